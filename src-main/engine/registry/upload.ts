/** One blob's way into a repository: OCI distribution-spec, "Pushing a blob in chunks". */
import { type Hash, createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { EngineError, isEngineError, messageOf, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { Limits } from './limits.ts';
import { TransientError, withRetries } from './retry.ts';
import type { Session, SessionRequest, SessionResponse } from './session.ts';

export interface UploadRequest {
  /** For messages. */
  readonly what: string;
  /** Makes the blob, the same bytes each time: after a break it is made again up to where the registry stands. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
  readonly onRetry?: (message: string) => void;
}

export interface UploadedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface UploadOptions {
  readonly session: Session;
  readonly limits: Limits;
  /** host/repository */
  readonly place: string;
  readonly request: UploadRequest;
  readonly sizeOf: (digest: Digest) => Promise<number | undefined>;
}

/** After a break: what arrives in one request of this size is not lost by the next break. */
const chunkBytes = 16 * 1024 * 1024;
const octets = { 'content-type': 'application/octet-stream' };

/**
 * First all of it in one request, as every client does and every registry takes. After a break in chunks, from where the registry says that it
 * stands; from the beginning when it does not know the upload any more.
 */
export class Upload {
  readonly #options: UploadOptions;
  #location: URL | undefined;
  /** Bytes that the registry has confirmed. */
  #confirmed = 0;
  #broken = false;
  #finished: UploadedBlob | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  run(): Promise<UploadedBlob> {
    const { limits, request } = this.#options;
    let before = 0;
    const progressed = (): boolean => {
      const more = this.#confirmed > before;
      before = this.#confirmed;
      return more;
    };
    return withRetries({ limits, signal: request.signal, onRetry: request.onRetry, progressed }, () => this.#attempt());
  }

  async #attempt(): Promise<UploadedBlob> {
    try {
      // The answer to the last request may have been what got lost.
      if (this.#broken && this.#finished && (await this.#options.sizeOf(this.#finished.digest)) !== undefined) return this.#finished;
      if (this.#broken) await this.#findPosition();
      this.#location ??= await this.#begin();
      const blob = await this.#send(this.#location);
      this.#finished = blob;
      await this.#finish(blob.digest);
      return blob;
    } catch (error) {
      this.#broken = true;
      // Upload ids end, and a registry that lost its place says so in several ways: then once more from the beginning.
      if (this.#location && isEngineError(error) && isLostUpload(error)) {
        this.#forget();
        throw new TransientError(error);
      }
      throw error;
    }
  }

  #forget(): void {
    this.#location = undefined;
    this.#confirmed = 0;
  }

  async #begin(): Promise<URL> {
    this.#confirmed = 0;
    return this.#locationOf(await this.#ask({ method: 'POST', path: 'blobs/uploads/', headers: {} }));
  }

  async #findPosition(): Promise<void> {
    if (!this.#location) return;
    try {
      const answer = await this.#ask({ method: 'GET', path: this.#location, headers: {} });
      const [, end] = /^(?:bytes=)?0-(\d+)$/.exec(answer.response.headers['range'] ?? '') ?? [];
      // Of nothing the range cannot speak: 0-0 is said of one byte too, so that is sent again from the beginning.
      if (end === undefined || end === '0') this.#forget();
      else {
        this.#confirmed = Number(end) + 1;
        this.#location = this.#locationOf(answer);
      }
    } catch (error) {
      if (!isEngineError(error)) throw error;
      this.#forget();
    }
  }

  /** Sends what the registry has not, and digests all of it. */
  async #send(location: URL): Promise<UploadedBlob> {
    const left = new AbortController();
    const { signal } = this.#options.request;
    const stop = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    const blob = new Tail(this.#options.request.open(stop), this.#confirmed);
    try {
      if (this.#broken) await this.#sendChunks(location, blob);
      else await this.#sendAll(location, blob);
      return { digest: `sha256:${blob.hash.digest('hex')}` as Digest, sizeBytes: blob.size };
    } finally {
      await blob.close();
      left.abort();
    }
  }

  async #sendAll(location: URL, blob: Tail): Promise<void> {
    const idle = new AbortController();
    const watch = new IdleWatch(this.#options.limits.idleMs, idle);
    const { signal } = this.#options.request;
    const body = Readable.from(watch.over(blob), { objectMode: false, highWaterMark: 1 << 20 });
    try {
      const stop = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]);
      const answer = await this.#ask({ method: 'PATCH', path: location, headers: octets, body }, stop);
      if (!blob.done) throw this.#lost('did not take all of');
      this.#location = this.#locationOf(answer);
      this.#confirmed = blob.size;
    } catch (error) {
      throwIfAborted(signal);
      // What the blob's maker threw says more than that the request broke off.
      if (blob.error) throw blob.error;
      if (idle.signal.aborted)
        throw new TransientError(new EngineError('timeout', `${this.#options.place} stopped taking ${this.#options.request.what}`));
      throw error;
    } finally {
      watch.end();
      body.destroy();
    }
  }

  async #sendChunks(start: URL, blob: Tail): Promise<void> {
    this.#location = start;
    for (let chunk = await blob.next(chunkBytes); chunk.length > 0; chunk = await blob.next(chunkBytes)) {
      const end = this.#confirmed + chunk.length;
      const headers = { ...octets, 'content-range': `${String(this.#confirmed)}-${String(end - 1)}` };
      const answer: SessionResponse = await this.#ask({ method: 'PATCH', path: this.#location, headers, body: chunk });
      this.#location = this.#locationOf(answer);
      this.#confirmed = end;
    }
  }

  async #finish(digest: Digest): Promise<void> {
    const location = this.#location;
    if (!location) throw new EngineError('internal', 'an upload is finished that was not begun');
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    await this.#ask({ method: 'PUT', path: url, headers: octets, body: new Uint8Array() });
  }

  async #ask(request: Omit<SessionRequest, 'what' | 'signal'>, signal = this.#options.request.signal): Promise<SessionResponse> {
    const what = `${this.#options.request.what} for ${this.#options.place}`;
    const answer = await this.#options.session.request({ ...request, what, signal });
    await answer.response.discard();
    if (answer.response.status === 416) throw this.#lost('stands elsewhere in');
    return answer;
  }

  /** In the registry's terms: a range that does not fit. */
  #lost(how: string): EngineError {
    return new EngineError('unavailable', `${this.#options.place} ${how} ${this.#options.request.what}`, { details: { status: 416 } });
  }

  #locationOf({ response, request }: SessionResponse): URL {
    const location = response.headers['location'] ?? '';
    if (location === '' || !URL.canParse(location, request.url))
      throw new EngineError('unavailable', `${this.#options.place} does not say where ${this.#options.request.what} is to be sent`);
    const url = new URL(location, request.url);
    // A registry behind a proxy that ends TLS may not know that it is reached by https; over plain HTTP the token would be readable.
    if (request.url.protocol === 'https:' && url.protocol === 'http:' && url.hostname === request.url.hostname) {
      url.protocol = 'https:';
      url.port = request.url.port;
    }
    return url;
  }
}

const lostStatus = new Set([400, 404, 409, 416]);

function isLostUpload(error: EngineError): boolean {
  return lostStatus.has(Number(error.details['status']));
}

/** What follows the first so many bytes of a blob; all of it is digested. */
class Tail implements AsyncIterable<Buffer> {
  readonly hash: Hash = createHash('sha256');
  readonly #iterator: AsyncIterator<Buffer>;
  #skip: number;
  #rest: Buffer | undefined;
  size = 0;
  done = false;
  error: Error | undefined;

  constructor(chunks: AsyncIterable<Buffer>, skip: number) {
    this.#iterator = chunks[Symbol.asyncIterator]();
    this.#skip = skip;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (let chunk = await this.#take(); chunk; chunk = await this.#take()) if (chunk.length > 0) yield chunk;
  }

  /** So many bytes, fewer at the end. */
  async next(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let held = 0;
    while (held < bytes) {
      const chunk = this.#rest ?? (await this.#take());
      this.#rest = undefined;
      if (!chunk) break;
      const part = chunk.subarray(0, bytes - held);
      parts.push(part);
      held += part.length;
      if (part.length < chunk.length) this.#rest = chunk.subarray(part.length);
    }
    return Buffer.concat(parts, held);
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #take(): Promise<Buffer | undefined> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#iterator.next();
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(messageOf(error));
      throw error;
    }
    if (next.done === true) {
      this.done = true;
      return undefined;
    }
    this.hash.update(next.value);
    this.size += next.value.length;
    const chunk = next.value.subarray(Math.min(this.#skip, next.value.length));
    this.#skip -= next.value.length - chunk.length;
    return chunk;
  }
}

/** Fires when nobody takes what is offered for so long: a request that is being sent has no timeout of its own. */
class IdleWatch {
  readonly #ms: number;
  readonly #abort: AbortController;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, abort: AbortController) {
    this.#ms = ms;
    this.#abort = abort;
  }

  async *over(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#timer = setTimeout(() => {
        this.#abort.abort();
      }, this.#ms);
      yield chunk;
      this.end();
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
