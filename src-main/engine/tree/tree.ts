/**
 * Trees of files that are there already: read safely, compared, and written as archives. The layer room is the way in, this is the way out.
 *
 * Terms. A *tree* is a folder with all below it; a *change* is a difference between a tree and what it was made from; a *byte string* is a path as the
 * kernel has it, one character per byte.
 *
 * Laws
 * - Whoever lives in a tree may change it while it is read, and must not lead us out of it: every step is one name below an open folder, and
 *   no symlink is followed (CVE-2019-14271 and its kin).
 * - The same tree gives the same archive: owner, mode with set-id bits, time of change to the nanosecond, hard links, attributes, devices,
 *   holes, names of any bytes; no names of users, no marks of the file system that layers are kept in.
 * - Memory does not grow with the size of a tree, but for the names of files that have several.
 * - What is copied up and yet equal to what lies below is no change.
 * It knows neither images nor containers.
 */
import type { System } from '../../system/system.ts';
import type { SnapshotChanges } from '../snapshot/snapshot.ts';
import type { Change } from './change.ts';
import { treeChanges } from './tree-changes.ts';
import { upperChanges } from './upper-changes.ts';

export type { Change } from './change.ts';
export type { TreeEntry } from './entry.ts';
export { type ByteString, toText } from './folder.ts';
export { isEngineMade, isMountTarget, writeLayerTar, writeTreeTar } from './layer-tar.ts';
export { type TwoTrees, treeChanges } from './tree-changes.ts';

/** Of a snapshot against its parent, in order of path. Synchronous: an entry can be read until the next one is asked for. */
export function snapshotChanges(
  changes: SnapshotChanges,
  { attributes, signal }: { readonly attributes: System['attributes']; readonly signal: AbortSignal | undefined },
): Generator<Change> {
  return changes.kind === 'upper'
    ? upperChanges({ ...changes, attributes, signal })
    : treeChanges({ ...changes, attributes, signal, folderTimes: true });
}
