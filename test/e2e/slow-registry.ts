/** A real registry behind a slow line: what of its large layer went over the line, and from where on, is kept. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeImage, makeTar, noise } from '../integration/image/test-image.ts';
import { pushImage, serveBefore, TestRegistry, type TestServer } from '../integration/image/test-registry.ts';
import type { Actor } from '../support/actor.ts';
import { layerOf } from './team-registry.ts';

export interface Fetch {
  /** From which byte on it was asked for. */
  readonly from: number;
  /** Bytes that went over the line. */
  sent: number;
  /** The other side did not want more. */
  brokenOff: boolean;
}

export class SlowRegistry implements AsyncDisposable {
  readonly bytesPerSecond = 3_000_000;
  /** Of the large layer, in order. */
  readonly fetches: Fetch[] = [];
  readonly largeBytes: number;
  readonly #registry: TestRegistry;
  readonly #large: string;
  #gate: TestServer | undefined;
  readonly #refused = Promise.withResolvers<undefined>();

  private constructor(registry: TestRegistry, large: { readonly digest: string; readonly bytes: Buffer }) {
    this.#registry = registry;
    this.#large = large.digest;
    this.largeBytes = large.bytes.length;
  }

  static async start(starter: string): Promise<SlowRegistry> {
    const registry = await TestRegistry.start();
    const image = makeImage([await layerOf(starter), await makeTar({ 'srv/data': noise(16_000_000, 'slow') })], {
      compression: 'none',
      extra: { config: { Cmd: ['true'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] } },
    });
    await pushImage(registry, 'team/large', '1.0', image);
    const large = image.layers[1];
    if (!large) throw new Error('the image has no second layer');
    const slow = new SlowRegistry(registry, large);
    slow.#gate = await serveBefore(registry, (asked, upstream, answer) => {
      if ((asked.url ?? '').includes('/team/later/')) {
        void slow.#refused.promise.then(() => {
          answer.writeHead(upstream.statusCode ?? 500, upstream.headers);
          upstream.pipe(answer);
        });
        return true;
      }
      if (!(asked.url ?? '').endsWith(slow.#large) || (upstream.statusCode !== 200 && upstream.statusCode !== 206)) return false;
      answer.writeHead(upstream.statusCode, upstream.headers);
      const fetch: Fetch = { from: Number(/bytes=(\d+)-/.exec(asked.headers.range ?? '')?.[1] ?? 0), sent: 0, brokenOff: false };
      slow.fetches.push(fetch);
      void slow.#trickle(upstream, answer, fetch);
      return true;
    });
    return slow;
  }

  get host(): string {
    return this.#gate?.host ?? '';
  }

  get image(): string {
    return `${this.host}/team/large:1.0`;
  }

  /** There is none, but it says so only after `refuse`. */
  get laterImage(): string {
    return `${this.host}/team/later:1.0`;
  }

  readonly refuse = (): void => {
    this.#refused.resolve(undefined);
  };

  async #trickle(upstream: AsyncIterable<Buffer>, answer: NodeJS.WritableStream & { destroyed?: boolean }, fetch: Fetch): Promise<void> {
    const closed = new AbortController();
    answer.once('close', () => {
      fetch.brokenOff = fetch.from + fetch.sent < this.largeBytes;
      closed.abort();
    });
    try {
      for await (const chunk of upstream) {
        for (let at = 0; at < chunk.length; at += 16_384) {
          const piece = chunk.subarray(at, at + 16_384);
          await pause((piece.length / this.bytesPerSecond) * 1000, undefined, { signal: closed.signal });
          if (!answer.write(piece)) await once(answer, 'drain', { signal: closed.signal });
          fetch.sent += piece.length;
        }
      }
      answer.end();
    } catch {
      // The other side has gone.
    }
  }

  /** For the environment of an engine: this registry is asked without TLS. */
  configuration(actor: Actor): Readonly<Record<string, string>> {
    const path = join(actor.directory, 'registries.conf');
    writeFileSync(path, `[[registry]]\nlocation = "${this.host}"\ninsecure = true\n`, { mode: 0o644 });
    return { CONTAINERS_REGISTRIES_CONF: path };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    await this.#gate?.[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }
}
