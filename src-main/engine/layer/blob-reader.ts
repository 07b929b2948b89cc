import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError, messageOf } from '../../base/errors.ts';
import { corrupt } from './tar-header.ts';

/** zlib's default of 64 KiB costs 500 ms more for a Debian layer. */
const chunkSize = 1024 * 1024;
const magicBytes = 6;

export interface BlobDigests {
  readonly blobDigest: string;
  readonly diffId: string;
  readonly blobBytes: number;
  readonly tarBytes: number;
}

export interface BlobReaderOptions {
  readonly chunks: AsyncIterable<Buffer>;
  /** Gets the uncompressed archive in pieces, each valid during the call only. What it throws ends the reading. */
  readonly onTar: (chunk: Buffer) => void;
  /** Called after each piece. */
  readonly onCount: (blobBytes: number, tarBytes: number) => void;
}

/** Decompresses by what the first bytes say, and digests both sides. `corrupt`, `unsupported`, and what `onTar` and `onCount` throw. */
export async function readBlob({ chunks, onTar, onCount }: BlobReaderOptions): Promise<BlobDigests> {
  const blobHash = createHash('sha256');
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
  const stage = stageFor(head, useTar);
  for (let chunk: Buffer | undefined = head; chunk; ) {
    blobHash.update(chunk);
    blobBytes += chunk.length;
    await stage.write(chunk);
    const next: IteratorResult<Buffer> = await iterator.next();
    chunk = next.done === true ? undefined : next.value;
  }
  await stage.end();
  return { blobDigest: digestOf(blobHash), diffId: digestOf(tarHash), blobBytes, tarBytes };
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
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

interface Stage {
  write(chunk: Buffer): Promise<void>;
  end(): Promise<void>;
}

function stageFor(head: Buffer, useTar: (chunk: Buffer) => void): Stage {
  const magic = head.toString('hex', 0, magicBytes);
  if (magic.startsWith('1f8b')) return new DecompressionStage('gzip', createGunzip({ chunkSize }), useTar);
  // Skippable frames (0x184d2a5?) stand in front of some seekable variants.
  if (magic.startsWith('28b52ffd') || /^5.2a4d18/.test(magic))
    return new DecompressionStage('zstd', createZstdDecompress({ chunkSize }), useTar);
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
 * Decompresses on libuv's threads. A piece is used in the tick after its event: by then zlib has been given the next buffer to fill, so that
 * decompression and file system calls overlap.
 */
class DecompressionStage implements Stage {
  readonly #stream: Transform;
  readonly #useTar: (chunk: Buffer) => void;
  #finished = Promise.withResolvers<undefined>();
  #pending: Buffer[] = [];
  #failed = false;

  constructor(name: string, stream: Transform, useTar: (chunk: Buffer) => void) {
    this.#stream = stream;
    this.#useTar = useTar;
    // Also when nobody waits for it yet.
    this.#finished.promise.catch(() => undefined);
    stream.on('data', (chunk: Buffer) => {
      if (this.#pending.push(chunk) === 1) process.nextTick(() => this.#use());
    });
    stream.once('error', (error) => this.#fail(corrupt(`its ${name} data are damaged or truncated: ${messageOf(error)}`)));
    stream.once('end', () => {
      process.nextTick(() => {
        this.#use();
        this.#finished.resolve(undefined);
      });
    });
  }

  async write(chunk: Buffer): Promise<void> {
    const written = new Promise<undefined>((resolve) => {
      this.#stream.write(chunk, () => resolve(undefined));
    });
    // A failed stream calls no more back.
    await Promise.race([written, this.#finished.promise]);
  }

  async end(): Promise<void> {
    this.#stream.end();
    await this.#finished.promise;
  }

  #use(): void {
    try {
      for (const chunk of this.#pending.splice(0)) if (!this.#failed) this.#useTar(chunk);
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
