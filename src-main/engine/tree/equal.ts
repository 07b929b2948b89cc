/** Whether two things are the same as far as an archive can tell. */
import { readSync } from 'node:fs';
import { readTarget, readXattrs, typeOf } from './entry.ts';
import type { ReadAttributes, TreeEntry, Xattrs } from './entry.ts';
import { openFile } from './folder.ts';

const pieceBytes = 256 * 1024;

/** All but the content of files. A folder's size says nothing. @param times whether when it was last changed counts */
export function hasEqualMetadata(a: TreeEntry, b: TreeEntry, attributes: ReadAttributes, times = true): boolean {
  const [one, other] = [a.stat, b.stat];
  const same = one.mode === other.mode && one.uid === other.uid && one.gid === other.gid && one.rdev === other.rdev;
  if (!same || (times && one.mtimeNs !== other.mtimeNs) || (one.isFile() && one.size !== other.size)) return false;
  if (typeOf(one) === 'symlink' && !readTarget(a.location).equals(readTarget(b.location))) return false;
  return haveEqualXattrs(readXattrs(attributes, a.location), readXattrs(attributes, b.location));
}

/** Of files of one size. What vanishes meanwhile is not equal. */
export function hasEqualContent(a: TreeEntry, b: TreeEntry, checkpoint: () => void): boolean {
  using one = openFile(a.content ?? a.location);
  using other = openFile(b.content ?? b.location);
  if (!one || !other) return false;
  const [left, right] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  for (let at = 0; at < Number(a.stat.size); ) {
    checkpoint();
    const length = readSync(one.fd, left, 0, pieceBytes, at);
    if (length === 0 || readSync(other.fd, right, 0, length, at) !== length) return false;
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
    at += length;
  }
  return true;
}

function haveEqualXattrs(a: Xattrs, b: Xattrs): boolean {
  return a.length === b.length && a.every(([name, value], index) => b[index]?.[0] === name && Buffer.from(value).equals(b[index][1]));
}
