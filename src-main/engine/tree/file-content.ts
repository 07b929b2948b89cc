/** What of a file goes into an archive: all of it, or, of one with large holes, the parts that are none. */
import { closeSync, fstatSync, read, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import type { ReadAttributes, TreeEntry } from './entry.ts';
import { openFile, toText } from './folder.ts';
import { padding } from './tar-header.ts';

export interface Segment {
  readonly offset: number;
  readonly length: number;
}

export interface SparseForm {
  readonly realSizeBytes: number;
  /** The map that stands before the data, padded. */
  readonly map: Buffer<ArrayBuffer>;
  readonly segments: readonly Segment[];
}

const chunkBytes = 1 << 20;
/**
 * Holes below that are written as zeros: tools that put layers together again by their file's content (tar-split) do not know sparse entries, so
 * only where zeros would hurt they are left out.
 */
const leastHoleBytes = 16 << 20;
/** Gaps that are not worth a line in the map. */
const smallestGapBytes = 64 << 10;
const mostSegments = 60_000;
const readAt = promisify(read);

/** A regular file that is open for reading. Others may go on changing it: it is archived with the size that it had when it was opened. */
export class FileContent implements Disposable {
  readonly stat: BigIntStats;
  readonly sizeBytes: number;
  readonly sparse: SparseForm | undefined;
  readonly #fd: number;
  readonly #shown: string;

  private constructor(fd: number, stat: BigIntStats, sparse: SparseForm | undefined, shown: string) {
    this.#fd = fd;
    this.stat = stat;
    this.sizeBytes = Number(stat.size);
    this.sparse = sparse;
    this.#shown = shown;
  }

  /** Undefined when it is no regular file any more. */
  static open(entry: TreeEntry, attributes: ReadAttributes): FileContent | undefined {
    const file = openFile(entry.content ?? entry.location);
    if (!file) return undefined;
    const { fd } = file;
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) {
        closeSync(fd);
        return undefined;
      }
      const own = entry.content === undefined ? stat : entry.stat;
      return new FileContent(fd, own, sparseForm(attributes, fd, stat), toText(entry.path));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Exactly as many bytes as were promised: what was cut off meanwhile is zeros. */
  async *chunks(signal: AbortSignal | undefined): AsyncGenerator<Buffer<ArrayBuffer>> {
    for (const { offset, length } of this.sparse?.segments ?? [{ offset: 0, length: this.sizeBytes }])
      for (let done = 0; done < length; ) {
        throwIfAborted(signal);
        const chunk = await this.#read(offset + done, Math.min(chunkBytes, length - done));
        done += chunk.length;
        yield chunk;
      }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  async #read(position: number, wanted: number): Promise<Buffer<ArrayBuffer>> {
    const chunk = Buffer.allocUnsafeSlow(wanted);
    try {
      // A small one is in the cache or read in a moment; a thread would cost more.
      const bytesRead =
        wanted <= smallestGapBytes
          ? readSync(this.#fd, chunk, 0, wanted, position)
          : (await readAt(this.#fd, chunk, 0, wanted, position)).bytesRead;
      return bytesRead === 0 ? chunk.fill(0) : chunk.subarray(0, bytesRead);
    } catch (error) {
      throw toEngineError(error, 'read', this.#shown);
    }
  }
}

function sparseForm(attributes: ReadAttributes, fd: number, stat: BigIntStats): SparseForm | undefined {
  const size = Number(stat.size);
  if (!Number.isSafeInteger(size)) throw new EngineError('limit-exceeded', 'a file is larger than an archive can hold');
  if (size - Number(stat.blocks) * 512 < leastHoleBytes) return undefined;
  const segments = joinNeighbours(attributes.dataSegments(fd, size));
  const dataBytes = segments.reduce((sum, { length }) => sum + length, 0);
  if (size - dataBytes < leastHoleBytes || segments.length > mostSegments) return undefined;
  // An empty one at the end tells the size to readers that go by the map.
  const listed = [
    ...segments,
    ...((segments.at(-1)?.offset ?? 0) + (segments.at(-1)?.length ?? 0) < size ? [{ offset: size, length: 0 }] : []),
  ];
  const text = Buffer.from(
    [listed.length, ...listed.flatMap(({ offset, length }) => [offset, length])].map((number) => `${String(number)}\n`).join(''),
  );
  return { realSizeBytes: size, map: Buffer.concat([text, padding(text.length)]), segments };
}

function joinNeighbours(segments: readonly Segment[]): Segment[] {
  const joined: { offset: number; length: number }[] = [];
  for (const { offset, length } of segments) {
    const last = joined.at(-1);
    if (last && offset - last.offset - last.length < smallestGapBytes) last.length = offset + length - last.offset;
    else joined.push({ offset, length });
  }
  return joined;
}
