/**
 * Headers of archives: ustar, with a PAX header in front where that cannot say it (POSIX.1-2017, pax, "pax Interchange Format").
 *
 * Why own code: tar-stream's encoder (looked at in 2026-11) takes names and attributes as text, times in milliseconds, and writes owners above
 * 2097151 as 2097151.
 */
import { isUtf8 } from 'node:buffer';

export interface Header {
  readonly path: Buffer;
  /** Of hard links and symlinks. */
  readonly target?: Buffer;
  readonly flag: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the data that follows. */
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly device?: readonly [major: number, minor: number];
  /** More of the PAX header; keys are ASCII. */
  readonly records?: readonly (readonly [key: string, value: Uint8Array | string])[];
}

const blockBytes = 512;
/** Eleven octal digits. */
const largestSize = 0o77777777777;
/** Seven. */
const largestId = 0o7777777;

export function padding(sizeBytes: number): Buffer<ArrayBuffer> {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/** What ends an archive. */
export const trailer = Buffer.alloc(2 * blockBytes);

export function encodeHeader(header: Header): Buffer<ArrayBuffer> {
  const records = paxRecords(header);
  const block = encodeBlock(header);
  if (records.length === 0) return block;
  const body = Buffer.concat(records.map(([key, value]) => encodeRecord(key, value)));
  const name = Buffer.concat([Buffer.from('PaxHeaders.0/'), lastPart(header.path).subarray(0, 80)]);
  const extended = encodeBlock({ path: name, flag: 'x', mode: 0o644, uid: 0, gid: 0, sizeBytes: body.length, mtimeNs: 0n });
  return Buffer.concat([extended, body, padding(body.length), block]);
}

function paxRecords(header: Header): [string, Uint8Array | string][] {
  const { path, target, uid, gid, sizeBytes, mtimeNs } = header;
  const records: [string, Uint8Array | string][] = [];
  const long = ([path, target] as const).map((name) => name !== undefined && needsRecord(name));
  if (long.some((needed, index) => needed && !isUtf8((index === 0 ? path : target) ?? path))) records.push(['hdrcharset', 'BINARY']);
  if (long[0] === true) records.push(['path', path]);
  if (long[1] === true && target) records.push(['linkpath', target]);
  if (uid > largestId) records.push(['uid', String(uid)]);
  if (gid > largestId) records.push(['gid', String(gid)]);
  if (sizeBytes > largestSize) records.push(['size', String(sizeBytes)]);
  if (!isPlainTime(mtimeNs)) records.push(['mtime', decimalSeconds(mtimeNs)]);
  for (const [key, value] of header.records ?? []) records.push([key, value]);
  return records;
}

/** Longer than the field, or text that a reader in another encoding would misread. Bytes that are no text fit the field as they are. */
function needsRecord(name: Buffer): boolean {
  return name.length > 100 || (isUtf8(name) && name.some((byte) => byte > 0x7f));
}

function isPlainTime(ns: bigint): boolean {
  return ns >= 0n && ns % 1_000_000_000n === 0n && ns / 1_000_000_000n <= BigInt(largestSize);
}

/** `-1.5` for one and a half seconds before 1970; no zeros at the end. */
export function decimalSeconds(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${String(size / 1_000_000_000n)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `LENGTH key=value\n`, the length counting its own digits. */
function encodeRecord(key: string, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), typeof value === 'string' ? Buffer.from(value) : value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length > String(rest.length).length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function encodeBlock(header: Omit<Header, 'flag' | 'records'> & { readonly flag: Header['flag'] | 'x' }): Buffer<ArrayBuffer> {
  const block = Buffer.alloc(blockBytes);
  const { path, target, mode, uid, gid, sizeBytes, mtimeNs, device } = header;
  path.copy(block, 0, 0, 100);
  octal(block, 100, 8, mode & 0o7777);
  octal(block, 108, 8, uid > largestId ? 0 : uid);
  octal(block, 116, 8, gid > largestId ? 0 : gid);
  octal(block, 124, 12, sizeBytes > largestSize ? 0 : sizeBytes);
  const seconds = mtimeNs / 1_000_000_000n;
  octal(block, 136, 12, mtimeNs < 0n || seconds > BigInt(largestSize) ? 0 : Number(seconds));
  block.write(header.flag, 156, 'latin1');
  target?.copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, device?.[0] ?? 0);
  octal(block, 337, 8, device?.[1] ?? 0);
  // The sum is made with blanks in its own field.
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}

function lastPart(path: Buffer): Buffer {
  const trimmed = path.at(-1) === 0x2f ? path.subarray(0, -1) : path;
  return trimmed.subarray(trimmed.lastIndexOf(0x2f) + 1);
}
