import type { Readable } from 'node:stream';
import * as v from 'valibot';

/** conmon's utils.c, write_or_close_sync_fd: the pid, an exit status, or a negative number with the runtime's words. */
const message = v.object({ data: v.number(), message: v.optional(v.string()) });
export type SyncMessage = v.InferOutput<typeof message>;

const maxLineBytes = 1024 * 1024;

/** Reads one of conmon's pipes line by line. It asks for nothing and keeps the process alive only while somebody waits. */
export class SyncPipe implements Disposable {
  readonly #stream: Readable & { ref?: () => unknown; unref?: () => unknown };
  #buffer = '';
  #ended = false;
  #waiting: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      if (this.#buffer.length < maxLineBytes) this.#buffer += text;
      this.#waiting?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#waiting?.();
    };
    stream.once('end', end).once('close', end).once('error', end);
  }

  /** The next message; undefined when the pipe has ended without one (or with something that is none). */
  async next(): Promise<SyncMessage | undefined> {
    this.#stream.ref?.();
    while (!this.#buffer.includes('\n') && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#waiting = () => resolve(undefined);
      await promise;
    }
    const [line = '', ...rest] = this.#buffer.split('\n');
    this.#buffer = rest.join('\n');
    return parse(line);
  }

  /** From now on an open pipe does not keep this process from ending. */
  release(): void {
    this.#stream.unref?.();
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

function parse(line: string): SyncMessage | undefined {
  try {
    const result = v.safeParse(message, JSON.parse(line));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
