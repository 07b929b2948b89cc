/** Files with holes: GNU tar's manual, "Storing Sparse Files" (old GNU format, PAX 0.0, 0.1 and 1.0). */
import { corrupt, integer } from './tar-header.ts';
import type { PaxRecords } from './tar-pax.ts';
import { paxInteger, paxText } from './tar-pax.ts';

export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** More pieces than that are an attack on memory, not a file. */
const maxSegments = 65_536;

export interface PaxSparse {
  /** 1.0 keeps the map in front of the data. */
  readonly mapInData: boolean;
  readonly segments: readonly Segment[];
  readonly realSize: number;
  readonly name: string | undefined;
}

export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  const value = (key: string) => records.findLast(([name]) => name === key)?.[1];
  const major = value('GNU.sparse.major');
  const size = value('GNU.sparse.realsize') ?? value('GNU.sparse.size');
  if (!size) return undefined;
  const name = value('GNU.sparse.name');
  const numbers: number[] = [];
  for (const [key, text] of records) {
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') numbers.push(paxInteger(text));
    else if (key === 'GNU.sparse.map') numbers.push(...text.toString('latin1').split(',').filter(Boolean).map(parseDecimal));
  }
  const mapInData = major?.toString('latin1') === '1';
  return { mapInData, segments: toSegments(numbers), realSize: paxInteger(size), name: name && paxText(name) };
}

/** The old header: 4 pieces, whether more blocks with 21 each follow, and the real size. */
export function oldSparseHeader(block: Buffer): { readonly segments: Segment[]; readonly extended: boolean; readonly realSize: number } {
  return { segments: oldSegments(block, 386, 4), extended: block[482] !== 0, realSize: integer(block, 483, 12) };
}

export function oldSparseExtension(block: Buffer): { readonly segments: Segment[]; readonly extended: boolean } {
  return { segments: oldSegments(block, 0, 21), extended: block[504] !== 0 };
}

/** How many lines a 1.0 file's map has in front of the data, by its first one. */
export function dataMapLines(text: string): number {
  const count = parseDecimal(text.slice(0, text.indexOf('\n')));
  if (count > maxSegments) throw corrupt('a sparse file has too many pieces');
  return 1 + count * 2;
}

export function parseDataMap(text: string): readonly Segment[] {
  return toSegments(text.split('\n', dataMapLines(text)).slice(1).map(parseDecimal));
}

/** `corrupt` unless the pieces ascend, lie inside of the file and have exactly the bytes that are stored. */
export function checkSegments(segments: readonly Segment[], storedBytes: number, realSize: number): void {
  let end = 0;
  let bytes = 0;
  if (segments.length > maxSegments) throw corrupt('a sparse file has too many pieces');
  for (const { offset, length } of segments) {
    if (offset < end || length < 0 || offset + length > realSize) throw corrupt('the pieces of a sparse file overlap or leave the file');
    end = offset + length;
    bytes += length;
  }
  if (bytes !== storedBytes) throw corrupt(`a sparse file has ${String(storedBytes)} bytes of data where its map wants ${String(bytes)}`);
}

function oldSegments(block: Buffer, start: number, count: number): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    segments.push({ offset: integer(block, at, 12), length: integer(block, at + 12, 12) });
  }
  return segments;
}

function toSegments(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0) throw corrupt('the map of a sparse file is incomplete');
  const segments: Segment[] = [];
  for (let index = 0; index < numbers.length; index += 2) segments.push({ offset: numbers[index] ?? 0, length: numbers[index + 1] ?? 0 });
  return segments;
}

function parseDecimal(text: string): number {
  const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw corrupt('the map of a sparse file is malformed');
  return number;
}
