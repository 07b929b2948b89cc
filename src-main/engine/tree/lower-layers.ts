/**
 * What lies below a layer, without mounting it: the diff directories under it, from the top down, read as overlay reads them. Nobody changes them, so
 * a path is enough; but an image may have a symlink where another layer has a folder, so each step is looked at before it is used.
 */
import { lstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { toEngineError } from '../../system/errno.ts';
import { isGone, toBytes, toText } from './folder.ts';
import type { ByteString } from './folder.ts';
import type { ReadAttributes, TreeEntry } from './entry.ts';

export interface OverlayMarks {
  readonly opaqueAttributes: readonly string[];
  readonly attributes: ReadAttributes;
}

/** The same folder in each of the layers that have a part in it. */
export type LowerFolder = readonly ByteString[];

export interface LowerEntry extends TreeEntry {
  /** Of a folder: what to look into for what is in it. */
  readonly folders: LowerFolder;
}

/** Undefined when there is nothing, or it is hidden. */
export function findLower(marks: OverlayMarks, folder: LowerFolder, path: ByteString, name: ByteString): LowerEntry | undefined {
  let top: TreeEntry | undefined;
  const folders: ByteString[] = [];
  for (const layer of folder) {
    const place = `${layer}/${name}`;
    const location = toBytes(place);
    const stat = lstat(location);
    if (!stat) continue;
    if (isWhiteout(marks, stat, location) || (top && !stat.isDirectory())) break;
    top ??= { path, stat, location };
    if (!stat.isDirectory()) break;
    folders.push(place);
    if (isOpaque(marks, location)) break;
  }
  return top && { ...top, folders };
}

export function isOpaque({ attributes, opaqueAttributes }: OverlayMarks, location: Buffer): boolean {
  return opaqueAttributes.some((name) => Buffer.from(attributes.getXattr(location, name) ?? []).toString('latin1') === 'y');
}

/** A character device 0:0, or, since Linux 6.7, an empty file with a mark (overlayfs.rst, "whiteouts and opaque directories"). */
export function isWhiteout({ attributes }: OverlayMarks, stat: BigIntStats, location: Buffer): boolean {
  if (stat.isCharacterDevice()) return stat.rdev === 0n;
  if (!stat.isFile() || stat.size > 0n) return false;
  return attributes.listXattrs(location).some((name) => /^(?:trusted|user)\.overlay\.whiteout$/.test(name));
}

function lstat(location: Buffer): BigIntStats | undefined {
  try {
    return lstatSync(location, { bigint: true });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw toEngineError(error, 'read', toText(location.toString('latin1')));
  }
}
