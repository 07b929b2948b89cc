import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Gunzip, ZstdDecompress } from 'node:zlib';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError, messageOf } from '../../base/errors.ts';
import { corrupt } from './tar-header.ts';

/** zlib's default of 64 KiB costs 500 ms more for a Debian layer. */
const chunkSize = 1024 * 1024;
const frameChunkSize = 128 * 1024;
const magicBytes = 6;

export interface BlobDigests {
  /** Undefined unless it was asked for. */
  readonly blobDigest: string | undefined;
  readonly diffId: string;
  readonly blobBytes: number;
  readonly tarBytes: number;
}

export interface BlobReaderOptions {
  /** Each piece may be overwritten when the next is asked for. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Whether the compressed bytes are digested, too. */
  readonly hashBlob: boolean;
  /** Gets the uncompressed archive in pieces, each valid during the call only. What it throws ends the reading. */
  readonly onTar: (chunk: Buffer) => void;
  /** Called after each piece. */
  readonly onCount: (blobBytes: number, tarBytes: number) => void;
}

/** Decompresses by what the first bytes say, and digests both sides. `corrupt`, `unsupported`, and what `onTar` and `onCount` throw. */
export async function readBlob({ chunks, hashBlob, onTar, onCount }: BlobReaderOptions): Promise<BlobDigests> {
  const blobHash = hashBlob ? createHash('sha256') : undefined;
  const tarHash = createHash('sha256');
  let blobBytes = 0;
  let tarBytes = 0;
  const useTar = (chunk: Buffer): void => {
    tarHash.update(chunk);
    tarBytes += chunk.length;
    onCount(blobBytes, tarBytes);
    onTar(chunk);
  };
  const iterator = chunks[Symbol.asyncIterator]();
  const head = await readHead(iterator);
  const stage = stageFor(head, useTar, () => onCount(blobBytes, tarBytes));
  for (let chunk: Buffer | undefined = head; chunk; ) {
    blobHash?.update(chunk);
    blobBytes += chunk.length;
    await stage.write(chunk);
    const next: IteratorResult<Buffer> = await iterator.next();
    chunk = next.done === true ? undefined : next.value;
  }
  await stage.end();
  return { blobDigest: blobHash && digestOf(blobHash), diffId: digestOf(tarHash), blobBytes, tarBytes };
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

/** At least as much as it takes to tell the compression, unless there is no more. */
async function readHead(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    // A short piece is copied: the next one may lie in its place.
    head = head.length === 0 && next.value.length >= magicBytes ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

interface Stage {
  write(chunk: Buffer): Promise<void>;
  end(): Promise<void>;
}

function stageFor(head: Buffer, useTar: (chunk: Buffer) => void, checkpoint: () => void): Stage {
  const magic = head.toString('hex', 0, magicBytes);
  if (magic.startsWith('1f8b')) return new DecompressionStage('gzip', useTar, checkpoint);
  // Skippable frames (0x184d2a5?) stand in front of some seekable variants.
  if (magic.startsWith('28b52ffd') || /^5.2a4d18/.test(magic)) return new DecompressionStage('zstd', useTar, checkpoint);
  const other = magic.startsWith('fd377a585a00') ? 'xz' : magic.startsWith('425a68') ? 'bzip2' : undefined;
  if (other !== undefined)
    throw new EngineError('unsupported', `it is compressed by ${other}`, { fix: 'build the image again with gzip or zstd layers' });
  return {
    write: async (chunk) => {
      useTar(chunk);
      // Lets messages in: cancellation, further chunks.
      await new Promise((resolve) => setImmediate(resolve));
    },
    end: () => Promise.resolve(),
  };
}

/**
 * One stream of Node's after the other: its zstd ends with the first frame, of which a seekable blob has thousands. Its gzip takes all
 * members; zeros behind the last one are padding, and anything else there is an error, as it is for Go's reader.
 */
class DecompressionStage implements Stage {
  readonly #kind: 'gzip' | 'zstd';
  readonly #useTar: (chunk: Buffer) => void;
  readonly #checkpoint: () => void;
  #stream: Decompressor | undefined;
  #ended = false;

  constructor(kind: 'gzip' | 'zstd', useTar: (chunk: Buffer) => void, checkpoint: () => void) {
    this.#kind = kind;
    this.#useTar = useTar;
    this.#checkpoint = checkpoint;
    this.#stream = new Decompressor(kind, chunkSize, useTar);
  }

  async write(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0 && !this.#ended; ) {
      // What follows a first frame is small pieces, as a rule.
      this.#stream ??= new Decompressor(this.#kind, frameChunkSize, this.#useTar);
      const used = await this.#stream.write(rest);
      if (used === rest.length) return;
      await this.#stream.ended;
      this.#stream = undefined;
      this.#ended = this.#kind === 'gzip';
      if (used === 0 && !this.#ended) throw corrupt(`its ${this.#kind} data are damaged`);
      this.#checkpoint();
      rest = rest.subarray(used);
    }
  }

  async end(): Promise<void> {
    await this.#stream?.end();
  }
}

/**
 * Decompresses on libuv's threads. A piece is used in the tick after its event: by then zlib has been given the next buffer to fill, so that
 * decompression and file system calls overlap.
 */
class Decompressor {
  readonly #stream: Gunzip | ZstdDecompress;
  readonly #useTar: (chunk: Buffer) => void;
  readonly #finished = Promise.withResolvers<undefined>();
  #pending: Buffer[] = [];
  #failed = false;

  constructor(kind: 'gzip' | 'zstd', size: number, useTar: (chunk: Buffer) => void) {
    this.#stream = kind === 'gzip' ? createGunzip({ chunkSize: size }) : createZstdDecompress({ chunkSize: size });
    this.#useTar = useTar;
    // Also when nobody waits for it yet.
    this.#finished.promise.catch(() => undefined);
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#pending.push(chunk) === 1) process.nextTick(() => this.#use());
    });
    this.#stream.once('error', (error) => this.#fail(corrupt(`its ${kind} data are damaged or truncated: ${messageOf(error)}`)));
    this.#stream.once('end', () => {
      process.nextTick(() => {
        this.#use();
        this.#finished.resolve(undefined);
      });
    });
  }

  /** Everything was decompressed and used. */
  get ended(): Promise<undefined> {
    return this.#finished.promise;
  }

  /** Answers how much was taken: less than all when the compressed data ended within. */
  async write(chunk: Buffer): Promise<number> {
    const before = this.#stream.bytesWritten;
    const written = new Promise<undefined>((resolve) => {
      this.#stream.write(chunk, () => resolve(undefined));
    });
    // A failed stream calls no more back.
    await Promise.race([written, this.#finished.promise]);
    return this.#stream.bytesWritten - before;
  }

  async end(): Promise<void> {
    this.#stream.end();
    await this.#finished.promise;
  }

  #use(): void {
    try {
      for (const chunk of this.#pending.splice(0)) {
        if (!this.#failed) this.#useTar(chunk);
        release(chunk);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#stream.destroy();
    this.#finished.reject(error);
  }
}

/**
 * Gives the memory back at once; the collector comes 64 MB later, and fresh pages cost more than filling them. A buffer that has room left is the
 * stream's own still: it goes on behind the piece, and takes a new one when it comes to the end (zlib.js, processCallback).
 */
function release({ buffer, byteOffset, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && byteOffset + length === buffer.byteLength) buffer.transfer(0);
}
