/** The isolated worlds of one window's frames: what preload and main tell each other, and the ports between them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Packr } from 'msgpackr';
import type { CDPSession, Page } from 'playwright-core';
import type { MessagePortMain } from './message-channel.ts';
import { toApplication } from './protocol.ts';

const worldName = 'preload';

type FromPage =
  | { readonly kind: 'send'; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly kind: 'port'; readonly id: number; readonly data: unknown }
  | { readonly kind: 'closed'; readonly id: number };

/** What Electron calls WebFrameMain: one document in one frame. */
export class Frame {
  readonly isMain: boolean;
  url: string;
  readonly #post: (message: unknown) => void;
  readonly #ports = new Map<number, ReturnType<MessagePortMain['handOver']>>();
  static #nextPort = 1;

  constructor(isMain: boolean, url: string, post: (message: unknown) => void) {
    this.isMain = isMain;
    this.url = url;
    this.#post = post;
  }

  postMessage(channel: string, message: unknown, transfer: readonly MessagePortMain[] = []): void {
    const ids = transfer.map(() => Frame.#nextPort++);
    this.#post({ kind: 'message', channel, args: [message], ports: ids });
    transfer.forEach((port, index) => {
      const id = ids[index] ?? 0;
      const far = {
        send: (data: unknown) => {
          this.#post({ kind: 'port', id, data });
        },
        close: () => {
          this.#post({ kind: 'close', id });
        },
      };
      this.#ports.set(id, port.handOver(far));
    });
  }

  /** Of the page's side of a port. */
  take(message: Exclude<FromPage, { kind: 'send' }>): void {
    const port = this.#ports.get(message.id);
    if (message.kind === 'port') port?.message(message.data);
    else this.#closePort(message.id);
  }

  /** The document is gone, and its ports with it. */
  gone(): void {
    for (const id of [...this.#ports.keys()]) this.#closePort(id);
  }

  #closePort(id: number): void {
    this.#ports.get(id)?.closed();
    this.#ports.delete(id);
  }
}

export class Frames {
  readonly #session: CDPSession;
  readonly #onMessage: (frame: Frame, channel: string, args: readonly unknown[]) => void;
  readonly #byContext = new Map<number, Frame>();
  readonly #urls = new Map<string, string>();
  readonly #packr = new Packr({ structuredClone: true });
  #mainId = '';

  private constructor(session: CDPSession, onMessage: (frame: Frame, channel: string, args: readonly unknown[]) => void) {
    this.#session = session;
    this.#onMessage = onMessage;
  }

  static async of(
    page: Page,
    preload: string,
    onMessage: (frame: Frame, channel: string, args: readonly unknown[]) => void,
  ): Promise<Frames> {
    const session = await page.context().newCDPSession(page);
    const frames = new Frames(session, onMessage);
    await frames.#begin(preload);
    return frames;
  }

  get main(): Frame | undefined {
    return [...this.#byContext.values()].findLast((frame) => frame.isMain);
  }

  async #begin(preload: string): Promise<void> {
    const session = this.#session;
    session.on('Page.frameNavigated', ({ frame }) => {
      this.#moved(frame.id, frame.url + (frame.urlFragment ?? ''));
    });
    session.on('Page.navigatedWithinDocument', ({ frameId, url }) => {
      this.#moved(frameId, url);
    });
    session.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.name === worldName) this.#created(context.id, (context.auxData as { frameId: string }).frameId);
    });
    session.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      this.#byContext.get(executionContextId)?.gone();
      this.#byContext.delete(executionContextId);
    });
    session.on('Runtime.executionContextsCleared', () => {
      for (const frame of this.#byContext.values()) frame.gone();
      this.#byContext.clear();
    });
    session.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      const frame = this.#byContext.get(executionContextId);
      if (name === 'toMain' && frame) this.#take(frame, this.#packr.unpack(Buffer.from(payload, 'base64')) as FromPage);
    });
    await session.send('Page.enable');
    await session.send('Runtime.enable');
    this.#mainId = (await session.send('Page.getFrameTree')).frameTree.frame.id;
    await session.send('Runtime.addBinding', { name: 'toMain', executionContextName: worldName });
    await session.send('Page.addScriptToEvaluateOnNewDocument', { source: worldSource(preload), worldName });
  }

  #moved(frameId: string, url: string): void {
    this.#urls.set(frameId, toApplication(url));
    for (const frame of this.#byContext.values()) if (frame.isMain === (frameId === this.#mainId)) frame.url = toApplication(url);
  }

  #created(contextId: number, frameId: string): void {
    const post = (message: unknown) => {
      const text = this.#packr.pack(message).toString('base64');
      // The document may have gone while this was on its way.
      this.#session.send('Runtime.evaluate', { contextId, expression: `fromMain(${JSON.stringify(text)})` }).catch(() => undefined);
    };
    this.#byContext.set(contextId, new Frame(frameId === this.#mainId, this.#urls.get(frameId) ?? '', post));
  }

  #take(frame: Frame, message: FromPage): void {
    if (message.kind === 'send') this.#onMessage(frame, message.channel, message.args);
    else frame.take(message);
  }
}

/** One script, since the page's policy forbids evaluation in here too. */
function worldSource(preload: string): string {
  const packing = join(dirname(createRequire(import.meta.url).resolve('msgpackr')), 'index-no-eval.min.js');
  const world = new URL('./preload-world.js', import.meta.url);
  const [first, second, third] = [packing, world, preload].map((path) => readFileSync(path, 'utf8'));
  return `${first ?? ''}\n{${second ?? ''}\n(function (require, module, exports) {${third ?? ''}\n})(require, module, module.exports);}`;
}
