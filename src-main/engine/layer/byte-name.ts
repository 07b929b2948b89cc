/**
 * Names as Linux has them: bytes without NUL and slash, mostly but not always UTF-8. In memory they are strings, so that they can be
 * compared and shown; of a component that is not UTF-8 each byte above 0x7f becomes U+DC80…U+DCFF, which no UTF-8 decodes to.
 */
import { isUtf8 } from 'node:buffer';

const escapedByte = /[\udc80-\udcff]/;

export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || isUtf8(bytes)) return text;
  return splitBytes(bytes).map(decodeComponent).join('/');
}

/** What node:fs takes: the string itself, or its bytes where it is not UTF-8. */
export function toFsPath(name: string): string | Buffer {
  if (!escapedByte.test(name)) return name;
  return Buffer.concat(
    Array.from(name, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character);
    }),
  );
}

export function isByteName(name: string): boolean {
  return escapedByte.test(name);
}

/** For messages: quoted, without control characters, not endless. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 160 ? `${name.slice(0, 157)}…` : name);
}

function decodeComponent(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('');
}

function splitBytes(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x2f); end >= 0; end = bytes.indexOf(0x2f, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  parts.push(bytes.subarray(start));
  return parts;
}
