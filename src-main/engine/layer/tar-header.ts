/**
 * One 512-byte tar header: pax(1) "ustar Interchange Format", the GNU tar manual's "Basic Tar Format", and star's variant.
 *
 * Why our own parser and not tar-stream: it decodes PAX values as UTF-8 text, which destroys binary attributes (security.capability) and
 * names in other encodings; it knows no sparse files and no fractions of seconds; it buffers headers of 4 MiB; and its streams cannot
 * drive synchronous file system calls, which are what makes unpacking fast (the parsing itself is 20 ms against 56 of a Debian layer). What is accepted follows Go's archive/tar, since an
 * archive that means one thing to the registry's tools and another to us is an attack.
 */
import { EngineError } from '../../base/errors.ts';
import { decodeName } from './byte-name.ts';

export const blockSize = 512;

export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeFlag: string;
  readonly linkName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

export function corrupt(message: string): EngineError {
  return new EngineError('corrupt', message);
}

export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < blockSize; at += 1) if (block[at] !== 0) return false;
  return true;
}

/** `corrupt` when the checksum or a number is wrong. */
export function parseHeader(block: Buffer): RawHeader {
  checkSum(block);
  const magic = block.toString('latin1', 257, 265);
  // V7 had neither magic nor device numbers; GNU's other dialect has times where ustar has the prefix.
  const isUstar = magic.startsWith('ustar\0');
  const isGnu = magic === 'ustar  \0';
  const isStar = isUstar && block.toString('latin1', 508, 512) === 'tar\0';
  const prefix = isUstar ? text(block, 345, isStar ? 131 : 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: integer(block, 100, 8) & 0o7777,
    uid: integer(block, 108, 8),
    gid: integer(block, 116, 8),
    size: integer(block, 124, 12),
    mtime: integer(block, 136, 12),
    typeFlag: String.fromCharCode(block[156] ?? 0),
    linkName: text(block, 157, 100),
    deviceMajor: isUstar || isGnu ? integer(block, 329, 8) : 0,
    deviceMinor: isUstar || isGnu ? integer(block, 337, 8) : 0,
  };
}

function checkSum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < blockSize; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    // Historic tars summed signed characters.
    signed += byte > 127 ? byte - 256 : byte;
  }
  const expected = integer(block, 148, 8);
  if (expected !== unsigned && expected !== signed) throw corrupt('a tar header has a wrong checksum');
}

function text(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return decodeName(block.subarray(offset, end < 0 || end > offset + length ? offset + length : end));
}

/** Octal digits, or base 256 when the first bit is set (GNU), two's complement. */
export function integer(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) return base256(block, offset, length);
  let at = offset;
  let end = offset + length;
  while (at < end && isFiller(block[at])) at += 1;
  while (end > at && isFiller(block[end - 1])) end -= 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (block[at] ?? 0) - 0x30;
    // A NUL ends the number, whatever follows it.
    if (digit === -0x30) break;
    if (digit < 0 || digit > 7) throw corrupt('a number in a tar header is not octal');
    value = value * 8 + digit;
  }
  return value;
}

function isFiller(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}

function base256(block: Buffer, offset: number, length: number): number {
  const negative = ((block[offset] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let at = offset; at < offset + length; at += 1) {
    const byte = block[at] ?? 0;
    value = value * 256n + BigInt(at === offset ? (negative ? byte : byte & 0x7f) : byte);
    if (at === offset && negative) value = BigInt(byte) - 256n;
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw corrupt('a number in a tar header is out of range');
  return number;
}
