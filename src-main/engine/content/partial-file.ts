import { type Hash, createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { toEngineError } from '../../system/errno.ts';
import type { Lock } from '../../system/system.ts';
import type { Download, GrowingFile } from './download-store.ts';

/** Large enough that a write costs little against hashing it, small enough that many downloads fit into memory. */
const chunkBytes = 1 << 20;

interface PartialFileOptions {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly lock: Lock;
  readonly signal: AbortSignal | undefined;
}

/** Implements {@link Download} on one file, whose length is how much of it counts. */
export class PartialFile implements Download {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #lock: Lock;
  #hash: Hash = createHash('sha256');
  #hashed = 0;
  #flushed = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #state: 'open' | 'complete' | 'failed' | 'closed' = 'open';
  #error: Error | undefined;
  #waiting: (() => void)[] = [];

  private constructor(options: PartialFileOptions, file: FileHandle) {
    this.digest = options.digest;
    this.sizeBytes = options.sizeBytes;
    this.#path = options.path;
    this.#lock = options.lock;
    this.#file = file;
  }

  static async open(options: PartialFileOptions): Promise<PartialFile> {
    let file: FileHandle;
    try {
      file = await open(options.path, 'a+', 0o600);
    } catch (error) {
      throw toEngineError(error, 'open', options.path);
    }
    const download = new PartialFile(options, file);
    try {
      await download.#adopt(options.signal);
    } catch (error) {
      await file.close();
      throw error;
    }
    return download;
  }

  /** Hashes what an earlier attempt left. */
  async #adopt(signal: AbortSignal | undefined): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.sizeBytes) return this.#truncate();
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(size, 1)));
    while (this.#hashed < size) {
      throwIfAborted(signal);
      const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, size - this.#hashed), this.#hashed);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#hashed += bytesRead;
    }
    this.#flushed = this.#hashed;
    if (this.#hashed !== this.sizeBytes) return;
    // Whole but wrong: a crash lost pages. Start over.
    if (this.#matches()) this.#state = 'complete';
    else await this.#truncate();
  }

  get offsetBytes(): number {
    return this.#hashed;
  }

  get complete(): boolean {
    return this.#state === 'complete';
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#hashed + chunk.length > this.sizeBytes) {
      await this.discard();
      throw new EngineError('digest-mismatch', `blob ${this.digest} is longer than the ${this.sizeBytes} bytes that its manifest says`);
    }
    this.#hash.update(chunk);
    this.#hashed += chunk.length;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= chunkBytes) await this.#flush();
  }

  async finish(): Promise<void> {
    if (this.#state === 'complete') return;
    await this.#flush();
    if (this.#hashed !== this.sizeBytes)
      throw new EngineError('corrupt', `blob ${this.digest} ended after ${this.#hashed} of ${this.sizeBytes} bytes`);
    if (!this.#matches()) {
      await this.discard();
      throw new EngineError('digest-mismatch', `blob ${this.digest} has other content than its digest says`, {
        fix: 'Try again; if it stays so, the registry or a proxy before it damages data.',
      });
    }
    this.#state = 'complete';
    this.#wake();
  }

  fail(error: Error): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    this.#wake();
  }

  async discard(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.fail(new EngineError('cancelled', `blob ${this.digest} was dropped`));
    await this.#truncate();
    rmSync(this.#path, { force: true });
  }

  follow(): Readable {
    let handle: Promise<FileHandle> | undefined;
    let position = 0;
    // Opened at once, not on the first read: the name may be gone by then.
    const opened = open(this.#path, 'r');
    opened.catch(() => undefined);
    const step = async (): Promise<Buffer | null> => {
      handle ??= opened;
      const file = await handle;
      while (position >= this.#flushed) {
        if (this.#state === 'failed' && this.#error) throw this.#error;
        if (this.#state === 'complete') return null;
        if (this.#state === 'closed') throw this.#givenUp();
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, this.#flushed - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw this.#error ?? new EngineError('corrupt', `the download of ${this.digest} was cut while it was read`);
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    };
    return new Readable({
      highWaterMark: chunkBytes,
      read() {
        step().then(
          (chunk) => this.push(chunk),
          (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
        );
      },
      destroy(error, callback) {
        opened
          .then((file) => file.close())
          .then(
            () => callback(error),
            () => callback(error),
          );
      },
    });
  }

  growing(): GrowingFile {
    // Opened at once, by the descriptor that there is: the name may go at any time.
    const descriptor = openSync(`/proc/self/fd/${String(this.#file.fd)}`, 'r');
    let open = true;
    return {
      path: `/proc/self/fd/${String(descriptor)}`,
      inode: fstatSync(descriptor).ino,
      sizes: this.#sizes(),
      destroy() {
        if (open) closeSync(descriptor);
        open = false;
      },
    };
  }

  async *#sizes(): AsyncGenerator<number> {
    for (let told = 0; ; ) {
      if (this.#flushed > told) {
        told = this.#flushed;
        yield told;
        continue;
      }
      if (this.#state === 'failed' && this.#error) throw this.#error;
      if (this.#state === 'complete') return;
      if (this.#state === 'closed') throw this.#givenUp();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #givenUp(): EngineError {
    return new EngineError('cancelled', `the download of ${this.digest} was given up`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#state === 'open') await this.#flush().catch(() => undefined);
      if (this.#state === 'open') this.#state = 'closed';
      this.#wake();
      await this.#file.close();
    } finally {
      this.#lock.release();
    }
  }

  #matches(): boolean {
    return `sha256:${this.#hash.copy().digest('hex')}` === this.digest;
  }

  async #flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const pieces = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      await this.#append(pieces, bytes);
    } catch (error) {
      // Half a download that fills the disk helps nobody.
      await this.discard();
      throw toEngineError(error, 'write the blob', this.digest);
    }
    this.#flushed += bytes;
    this.#wake();
  }

  /** Without making one piece of them first; only a disk that is nearly full takes less than it is given. */
  async #append(pieces: readonly Uint8Array[], bytes: number): Promise<void> {
    const { bytesWritten } = await this.#file.writev(pieces);
    if (bytesWritten === bytes) return;
    const rest = Buffer.concat(pieces, bytes).subarray(bytesWritten);
    for (let done = 0; done < rest.length; ) done += (await this.#file.write(rest, done)).bytesWritten;
  }

  async #truncate(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#hashed = 0;
    this.#flushed = 0;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
