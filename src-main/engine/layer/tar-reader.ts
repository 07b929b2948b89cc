import type { RawHeader } from './tar-header.ts';
import { blockSize, corrupt, isZeroBlock, parseHeader } from './tar-header.ts';
import type { PaxRecords, Timestamp } from './tar-pax.ts';
import { parsePax } from './tar-pax.ts';
import { mergeHeaders } from './tar-entry.ts';
import type { TarEntry } from './tar-entry.ts';
import { checkSegments, dataMapLines, oldSparseExtension, oldSparseHeader, parseDataMap } from './tar-sparse.ts';
import type { Segment } from './tar-sparse.ts';
import { decodeName } from './byte-name.ts';
import { EngineError } from '../../base/errors.ts';

export type { TarEntry, Timestamp };

/** What becomes of an archive. Calls come in order: begin, data (files only), end. */
export interface TarSink {
  begin(entry: TarEntry): void;
  /** Valid during the call only. */
  data(chunk: Buffer, position: number): void;
  end(): void;
  /** All other bytes of the archive, in order with the data: headers, padding, what follows the end. Valid during the call only. */
  frame?(chunk: Buffer): void;
}

/** No real name or attribute list is longer; tools refuse as much (Go's limit is the same). */
const maxMetaBytes = 1024 * 1024;
/** Headers that only describe the next one, in a row. */
const maxMetaHeaders = 16;

interface Pending {
  readonly longName?: string;
  readonly longLink?: string;
  readonly records?: PaxRecords;
}

/** A tar parser that is pushed: takes the archive in pieces of any size and calls the sink synchronously. Keeps at most one header. */
export class TarReader {
  readonly #sink: TarSink;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;
  #next: (block: Buffer) => void;
  #wanted = blockSize;
  #skipBytes = 0;
  #entry: TarEntry | undefined;
  #segmentIndex = 0;
  #segmentDone = 0;
  #dataBytes = 0;
  #padding = 0;
  #pending: Pending = {};
  #metaHeaders = 0;
  #global: PaxRecords = [];
  #ended = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
    this.#next = this.#header;
  }

  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
    while (this.#at < chunk.length) {
      // Tools append padding and signatures after the end marker; they belong to the digest, not to the tree.
      if (this.#ended) {
        this.#sink.frame?.(chunk.subarray(this.#at));
        return;
      }
      if (this.#dataBytes > 0) this.#passData();
      else if (this.#skipBytes > 0) this.#skip();
      else {
        const block = this.#take(this.#wanted);
        if (!block) return;
        this.#next(block);
      }
    }
  }

  /** No more bytes: `corrupt` in the middle of something. An archive without end marker is taken, as other tools do. */
  finish(): void {
    if (this.#ended) return;
    const between = this.#dataBytes === 0 && this.#skipBytes === 0 && this.#partialBytes === 0 && this.#next === this.#header;
    if (!between || this.#metaHeaders > 0) throw corrupt('the archive is truncated');
  }

  #passData(): void {
    const entry = this.#entry;
    if (!entry) return;
    const segment: Segment | undefined = entry.segments[this.#segmentIndex];
    if (!segment) throw corrupt('the archive is inconsistent');
    const size = Math.min(segment.length - this.#segmentDone, this.#chunk.length - this.#at);
    if (size > 0) this.#sink.data(this.#chunk.subarray(this.#at, this.#at + size), segment.offset + this.#segmentDone);
    this.#at += size;
    this.#dataBytes -= size;
    this.#segmentDone += size;
    if (this.#segmentDone === segment.length) {
      this.#segmentIndex += 1;
      this.#segmentDone = 0;
    }
    if (this.#dataBytes === 0) this.#endEntry();
  }

  #skip(): void {
    const size = Math.min(this.#skipBytes, this.#chunk.length - this.#at);
    this.#sink.frame?.(this.#chunk.subarray(this.#at, this.#at + size));
    this.#at += size;
    this.#skipBytes -= size;
  }

  /** The next `size` bytes as one buffer, or undefined after keeping what there is. */
  #take(size: number): Buffer | undefined {
    const available = this.#chunk.length - this.#at;
    if (this.#partialBytes === 0 && available >= size) {
      this.#at += size;
      const block = this.#chunk.subarray(this.#at - size, this.#at);
      this.#sink.frame?.(block);
      return block;
    }
    this.#partial ??= Buffer.allocUnsafe(size);
    const copied = Math.min(size - this.#partialBytes, available);
    this.#chunk.copy(this.#partial, this.#partialBytes, this.#at, this.#at + copied);
    this.#sink.frame?.(this.#chunk.subarray(this.#at, this.#at + copied));
    this.#at += copied;
    this.#partialBytes += copied;
    if (this.#partialBytes < size) return undefined;
    const whole = this.#partial;
    this.#partial = undefined;
    this.#partialBytes = 0;
    return whole;
  }

  #expect(size: number, next: (block: Buffer) => void): void {
    this.#wanted = size;
    this.#next = next;
  }

  #header(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#metaHeaders > 0) throw corrupt('the archive is truncated');
      this.#ended = true;
      return;
    }
    const header = parseHeader(block);
    if ('xgLKXN'.includes(header.typeFlag)) this.#metaHeader(header);
    else this.#realHeader(header, block);
  }

  #metaHeader({ size, typeFlag }: RawHeader): void {
    this.#metaHeaders += 1;
    if (size > maxMetaBytes || size < 0 || this.#metaHeaders > maxMetaHeaders)
      throw new EngineError(
        'limit-exceeded',
        `the archive has an extended header of ${String(size)} bytes, more than ${String(maxMetaBytes)}`,
      );
    const use = (body: Buffer): void => {
      this.#skipBytes = paddingOf(size);
      this.#expect(blockSize, this.#header);
      this.#useMeta(typeFlag, body);
    };
    if (size === 0) use(Buffer.alloc(0));
    else this.#expect(size, use);
  }

  #useMeta(typeFlag: string, body: Buffer): void {
    if (typeFlag === 'g') {
      this.#metaHeaders -= 1;
      this.#global = mergeGlobal(this.#global, parsePax(Buffer.from(body)));
    } else if (typeFlag === 'L') this.#pending = { ...this.#pending, longName: cString(body) };
    else if (typeFlag === 'K') this.#pending = { ...this.#pending, longLink: cString(body) };
    // A copy, since values are used after the chunk is gone. 'X' is Solaris' name for 'x'; 'N' (old GNU) is obsolete and refused below.
    else if (typeFlag !== 'N') this.#pending = { ...this.#pending, records: parsePax(Buffer.from(body)) };
    else throw corrupt('the archive has an entry of the obsolete type "N"');
  }

  #realHeader(header: RawHeader, block: Buffer): void {
    const { entry, mapInData } = mergeHeaders(header, this.#pending, this.#global);
    this.#pending = {};
    this.#metaHeaders = 0;
    if (header.typeFlag === 'S') this.#oldSparse(entry, block);
    else if (mapInData) this.#readDataMap(entry);
    else this.#beginEntry(entry);
  }

  #oldSparse(entry: TarEntry, block: Buffer): void {
    const { segments, extended, realSize } = oldSparseHeader(block);
    const more = (found: readonly Segment[], goOn: boolean): void => {
      if (!goOn) this.#beginEntry({ ...entry, segments: found, realSize });
      else {
        if (found.length > 65_536) throw corrupt('a sparse file has too many pieces');
        this.#expect(blockSize, (extension) => {
          const next = oldSparseExtension(extension);
          segments.push(...next.segments);
          more(segments, next.extended);
        });
      }
    };
    more(segments, extended);
  }

  #readDataMap(entry: TarEntry): void {
    let text = '';
    let newlines = 0;
    let wanted: number | undefined;
    if (entry.storedBytes < blockSize) throw corrupt('the map of a sparse file is incomplete');
    this.#expect(blockSize, (block) => {
      const more = block.toString('latin1');
      text += more;
      newlines += more.split('\n').length - 1;
      if (newlines > 0) wanted ??= dataMapLines(text);
      const segments = wanted !== undefined && newlines >= wanted ? parseDataMap(text) : undefined;
      if (segments) this.#beginEntry({ ...entry, segments, storedBytes: entry.storedBytes - text.length });
      else if (text.length + blockSize > Math.min(maxMetaBytes, entry.storedBytes))
        throw corrupt('the map of a sparse file is incomplete or too long');
    });
  }

  #beginEntry(entry: TarEntry): void {
    if (entry.storedBytes < 0 || entry.realSize < 0) throw corrupt('the archive has an entry of negative size');
    if (entry.storedBytes > 0 || entry.segments.length > 0) checkSegments(entry.segments, entry.storedBytes, entry.realSize);
    this.#expect(blockSize, this.#header);
    this.#sink.begin(entry);
    this.#entry = entry;
    this.#segmentIndex = 0;
    this.#segmentDone = 0;
    this.#dataBytes = entry.storedBytes;
    this.#padding = paddingOf(entry.storedBytes);
    if (entry.storedBytes === 0) this.#endEntry();
  }

  #endEntry(): void {
    this.#entry = undefined;
    this.#skipBytes = this.#padding;
    this.#sink.end();
  }
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Later global headers override earlier ones key by key, so that repeating them does not add up in memory. */
function mergeGlobal(earlier: PaxRecords, later: PaxRecords): PaxRecords {
  const merged = new Map([...earlier, ...later]);
  let bytes = 0;
  for (const [key, value] of merged) bytes += key.length + value.length;
  if (bytes > maxMetaBytes) throw new EngineError('limit-exceeded', 'the global headers of the archive are too large');
  return [...merged];
}
