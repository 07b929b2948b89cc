/** One thing in a tree, with all that an archive says of it. */
import { readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { FileAttributes } from '../../system/system.ts';
import type { ByteString } from './folder.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'socket';

export type ReadAttributes = Pick<FileAttributes, 'getXattr' | 'listXattrs' | 'dataSegments'>;

export interface TreeEntry {
  /** From the root, without a slash in front; empty: the root itself. */
  readonly path: ByteString;
  readonly stat: BigIntStats;
  /** Where it can be read; valid until the walk goes on. */
  readonly location: Buffer;
  /** Where its content is, when that is elsewhere (overlay's metacopy). */
  readonly content?: Buffer;
}

export type Xattrs = readonly (readonly [name: string, value: Uint8Array])[];

export function typeOf(stat: BigIntStats): EntryType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'character-device';
  return stat.isBlockDevice() ? 'block-device' : 'socket';
}

/** makedev(3) backwards. */
export function deviceNumber(rdev: bigint): readonly [major: number, minor: number] {
  return [Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)), Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n))];
}

/**
 * Marks of overlay and of fuse-overlayfs are about the layers that a tree is made of and mean nothing elsewhere; labels and measurements belong to
 * the host that made them.
 */
const notOfTheFile = /^(?:(?:trusted|user)\.(?:overlay|fuseoverlayfs)\.|security\.(?:selinux|evm|ima)$)/;

export function readXattrs(attributes: ReadAttributes, location: Buffer): Xattrs {
  const found: [string, Uint8Array][] = [];
  for (const name of attributes.listXattrs(location)) {
    if (notOfTheFile.test(name)) continue;
    const value = attributes.getXattr(location, name);
    if (value !== undefined) found.push([name, value]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

export function readTarget(location: Buffer): Buffer {
  return readlinkSync(location, { encoding: 'buffer' });
}
