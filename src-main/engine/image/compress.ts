/**
 * Compresses on all cores, always to the same bytes for the same input, whatever the number of cores.
 *
 * gzip: one member out of blocks that are deflated side by side, each with the last 32 KiB before it as its dictionary, as pigz does; any
 * reader takes it. zstd: one frame per block, which readers take one after the other (RFC 8878 section 3).
 */
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, zstdCompress } from 'node:zlib';
import { EngineError } from '../../base/errors.ts';

export interface Compression {
  readonly format: 'gzip' | 'zstd';
  /** gzip 1 to 9, zstd 1 to 20. */
  readonly level?: number;
}

/** Large enough that blocks cost nothing in size; zstd looks back no further than its frame. */
const blockBytes = { gzip: 1024 * 1024, zstd: 4 * 1024 * 1024 } as const;
const dictionaryBytes = 32 * 1024;
/** gzip's 2 takes three quarters of 4's time and makes 4 % more; Podman's default lies between the two in size. */
const levels = { gzip: { least: 1, most: 9, usual: 2 }, zstd: { least: 1, most: 20, usual: 3 } } as const;

const deflate = promisify<Buffer, object, Buffer>(deflateRaw);
const compressFrame = promisify<Buffer, object, Buffer>(zstdCompress);

/** `invalid-argument` for a level that the format does not have. */
export function checkLevel({ format, level }: Compression): void {
  const { least, most } = levels[format];
  if (level === undefined || (Number.isInteger(level) && level >= least && level <= most)) return;
  throw new EngineError('invalid-argument', `${format} has no compression level ${String(level)}`, {
    fix: `Give one from ${String(least)} to ${String(most)}.`,
    details: { field: 'compressionLevel' },
  });
}

/** Holds a few blocks per core in memory. */
export async function* compress(chunks: AsyncIterable<Buffer>, { format, level }: Compression): AsyncGenerator<Buffer> {
  const blocks = format === 'gzip' ? gzipBlocks(chunks, level ?? levels.gzip.usual) : zstdBlocks(chunks, level ?? levels.zstd.usual);
  const atWork: Promise<Buffer>[] = [];
  const most = availableParallelism() + 1;
  for await (const block of blocks) {
    const compressed = block();
    // It may fail before its turn, or after nobody wants it any more.
    compressed.catch(() => undefined);
    atWork.push(compressed);
    const first = atWork.length > most ? atWork.shift() : undefined;
    if (first) yield await first;
  }
  for (const rest of atWork) yield await rest;
}

async function* gzipBlocks(chunks: AsyncIterable<Buffer>, level: number): AsyncGenerator<() => Promise<Buffer>> {
  // RFC 1952: deflate, no name, no time, "unknown" system.
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  yield () => Promise.resolve(header);
  let checksum = 0;
  let bytes = 0;
  let before: Buffer | undefined;
  for await (const block of regroup(chunks, blockBytes.gzip)) {
    checksum = crc32(block, checksum);
    bytes += block.length;
    const dictionary = before;
    yield () =>
      deflate(block, {
        level,
        memLevel: 9,
        chunkSize: 256 * 1024,
        finishFlush: constants.Z_SYNC_FLUSH,
        ...(dictionary === undefined ? {} : { dictionary }),
      });
    before = block.subarray(Math.max(0, block.length - dictionaryBytes));
  }
  // RFC 1951: a last block with nothing in it.
  const end = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  end.writeUInt32LE(checksum, 2);
  end.writeUInt32LE(bytes % 2 ** 32, 6);
  yield () => Promise.resolve(end);
}

async function* zstdBlocks(chunks: AsyncIterable<Buffer>, level: number): AsyncGenerator<() => Promise<Buffer>> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  let empty = true;
  for await (const block of regroup(chunks, blockBytes.zstd)) {
    empty = false;
    yield () => compressFrame(block, { params });
  }
  if (empty) yield () => compressFrame(Buffer.alloc(0), { params });
}

/** Blocks of that size, the last one smaller. One that comes so is not copied. */
async function* regroup(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - held);
      parts.push(part);
      held += part.length;
      at += part.length;
      if (held < size) continue;
      yield join(parts, held);
      parts = [];
      held = 0;
    }
  }
  if (held > 0) yield join(parts, held);
}

function join(parts: readonly Buffer[], size: number): Buffer {
  const [only] = parts;
  return parts.length === 1 && only ? only : Buffer.concat(parts, size);
}
