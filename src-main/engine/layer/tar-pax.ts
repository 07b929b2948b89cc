/** Extended headers: pax(1) "pax Extended Header", with the vendors' keys that carry extended attributes and sparse maps. */
import { corrupt } from './tar-header.ts';
import { decodeName } from './byte-name.ts';

export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** In order, with repetitions: GNU's sparse format 0.0 says everything by repeating keys. */
export type PaxRecords = readonly (readonly [key: string, value: Buffer])[];

/** `corrupt` unless every record is `length key=value\n`. */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: [string, Buffer][] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank < 0 || blank - at > 10 ? '' : bytes.toString('latin1', at, blank);
    const end = /^[0-9]+$/.test(digits) ? at + Number(digits) : Number.NaN;
    const equals = bytes.indexOf(0x3d, blank);
    if (!(end > blank + 2) || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end || equals === blank + 1)
      throw corrupt('a PAX header is malformed');
    records.push([bytes.toString('utf8', blank + 1, equals), bytes.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

export function paxText(value: Buffer): string {
  if (value.includes(0)) throw corrupt('a name in a PAX header contains NUL');
  return decodeName(value);
}

export function paxInteger(value: Buffer): number {
  const digits = value.toString('latin1');
  const number = /^-?[0-9]{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw corrupt('a number in a PAX header is malformed or out of range');
  return number;
}

/** Seconds with an optional fraction; what is finer than a nanosecond is cut. */
export function paxTime(value: Buffer): Timestamp {
  const [, sign, whole, fraction = ''] = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString('latin1')) ?? [];
  if (whole === undefined) throw corrupt('a time in a PAX header is malformed');
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds: Number(whole), nanoseconds };
  return nanoseconds === 0 ? { seconds: -Number(whole), nanoseconds } : { seconds: -Number(whole) - 1, nanoseconds: 1e9 - nanoseconds };
}

const schily = 'SCHILY.xattr.';
const libarchive = 'LIBARCHIVE.xattr.';

/** Both spellings of extended attributes; star's wins, being the one that container tools write. */
export function paxXattrs(records: PaxRecords): Map<string, Buffer> | undefined {
  let found: Map<string, Buffer> | undefined;
  for (const prefix of [libarchive, schily]) {
    for (const [key, value] of records) {
      if (!key.startsWith(prefix)) continue;
      const rest = key.slice(prefix.length);
      const name = prefix === schily ? rest : decodeUri(rest);
      // Copied: the header's bytes are a view of a chunk that is gone by the time a directory's attributes are set.
      const bytes = prefix === schily ? Buffer.from(value) : Buffer.from(value.toString('latin1'), 'base64');
      found ??= new Map();
      found.set(name, bytes);
    }
  }
  return found;
}

function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw corrupt('the name of an extended attribute in a PAX header is malformed');
  }
}
