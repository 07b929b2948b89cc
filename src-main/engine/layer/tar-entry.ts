import { corrupt } from './tar-header.ts';
import type { RawHeader } from './tar-header.ts';
import { paxInteger, paxText, paxTime, paxXattrs } from './tar-pax.ts';
import type { PaxRecords, Timestamp } from './tar-pax.ts';
import { paxSparse } from './tar-sparse.ts';
import type { Segment } from './tar-sparse.ts';
import { showName } from './byte-name.ts';

export type EntryType = 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo';

export interface TarEntry {
  readonly type: EntryType;
  /** As the archive has it: not yet trusted. */
  readonly path: string;
  readonly linkPath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  /** Bytes that follow the header. */
  readonly storedBytes: number;
  /** Of the file, holes included. */
  readonly realSize: number;
  /** Where the stored bytes go; one piece for an ordinary file. */
  readonly segments: readonly Segment[];
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Buffer> | undefined;
}

const types: Readonly<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

interface Extensions {
  readonly longName?: string;
  readonly longLink?: string;
  readonly records?: PaxRecords;
}

/** These describe one file; in a global header they would rename all. */
const ownKeys = new Set(['path', 'linkpath', 'size']);

/** Lays what came before a header over it: global records, the entry's own records, GNU's long names. */
export function mergeHeaders(
  header: RawHeader,
  { longName, longLink, records = [] }: Extensions,
  globalRecords: PaxRecords,
): { readonly entry: TarEntry; readonly mapInData: boolean } {
  const sparseRecords = records.length === 0 ? undefined : paxSparse(records);
  const all =
    globalRecords.length === 0 ? records : [...globalRecords.filter(([key]) => !ownKeys.has(key) && !key.startsWith('GNU.')), ...records];
  const values = new Map(all.filter(([, value]) => value.length > 0));
  const own = <T>(key: string, parse: (value: Buffer) => T): T | undefined => {
    const value = values.size === 0 ? undefined : values.get(key);
    return value && parse(value);
  };
  // The order is Go's.
  const path = sparseRecords?.name ?? longName ?? own('path', paxText) ?? header.name;
  const type = typeOf(header.typeFlag, path);
  const sparse = type === 'file' ? sparseRecords : undefined;
  const size = own('size', paxInteger) ?? header.size;
  if (size < 0) throw corrupt(`entry ${showName(path)} has a negative size`);
  // Other types have no data, whatever their size says: so does Go's reader, which registries and builders use.
  const storedBytes = type === 'file' ? size : 0;
  const realSize = sparse?.realSize ?? storedBytes;
  const entry: TarEntry = {
    type,
    path,
    linkPath: longLink ?? own('linkpath', paxText) ?? header.linkName,
    mode: header.mode,
    uid: own('uid', paxInteger) ?? header.uid,
    gid: own('gid', paxInteger) ?? header.gid,
    mtime: own('mtime', paxTime) ?? { seconds: header.mtime, nanoseconds: 0 },
    storedBytes,
    realSize,
    segments: sparse ? sparse.segments : storedBytes > 0 ? [{ offset: 0, length: storedBytes }] : [],
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: all.length === 0 ? undefined : paxXattrs(all),
  };
  return { entry, mapInData: sparse?.mapInData === true };
}

function typeOf(flag: string, path: string): EntryType {
  const type = types[flag];
  if (!type) throw corrupt(`entry ${showName(path)} has the unknown type ${JSON.stringify(flag)}`);
  // Before ustar, which says '0', a directory was a file with a slash at the end.
  return flag === '\0' && path.endsWith('/') ? 'directory' : type;
}
