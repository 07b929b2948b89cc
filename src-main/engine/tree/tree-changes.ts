import type { BigIntStats } from 'node:fs';
import { throwIfAborted } from '../../base/errors.ts';
import type { Change } from './change.ts';
import { OpenFolders } from './change.ts';
import type { ReadAttributes, TreeEntry } from './entry.ts';
import { hasEqualMetadata } from './equal.ts';
import { FolderStack } from './folder.ts';
import type { ByteString } from './folder.ts';

export interface TwoTrees {
  /** Undefined: nothing. */
  readonly before: string | undefined;
  readonly after: string;
  readonly attributes: ReadAttributes;
  /** Whether a folder has changed that only tells another time. Of trees that were made separately that is all of them. */
  readonly folderTimes: boolean;
  readonly signal: AbortSignal | undefined;
}

interface Level {
  readonly path: ByteString;
  /** From the end on. */
  readonly names: ByteString[];
  /** Of the folder before; the old tree's stack is only as deep as there are such. */
  readonly old: ReadonlySet<ByteString> | undefined;
}

/**
 * Of two whole trees. A file of the same size, owner, mode, attributes and time to the nanosecond is taken for the same: to compare
 * content would be to read both trees.
 */
export function* treeChanges(trees: TwoTrees): Generator<Change> {
  using after = FolderStack.at(trees.after);
  using before = trees.before === undefined ? undefined : FolderStack.at(trees.before);
  const open = new OpenFolders();
  yield* rootChange(trees, after, before);
  const levels: Level[] = [toLevel('', after.names(), before?.names())];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) {
      levels.pop();
      if (levels.length === 0) continue;
      after.leave();
      if (level.old) before?.leave();
      open.leave();
      continue;
    }
    throwIfAborted(trees.signal);
    const path = level.path === '' ? name : `${level.path}/${name}`;
    const stat = after.stat(name);
    const old = level.old?.has(name) === true ? before?.stat(name) : undefined;
    if (!stat) {
      if (!old) continue;
      yield* open.before(true);
      yield { kind: 'deleted', path };
      continue;
    }
    const entry = { path, stat, location: after.location(name) };
    const kind = compare(trees, entry, old && before && { path, stat: old, location: before.location(name) });
    const told = kind ?? (stat.isDirectory() && open.isDeep ? 'within' : undefined);
    if (told !== undefined) {
      yield* open.before(told === 'added');
      yield { kind: told, entry };
    }
    if (!stat.isDirectory() || !after.enter(name)) continue;
    const entered = old?.isDirectory() === true && before?.enter(name) === true;
    open.enter(entry, kind !== undefined);
    levels.push(toLevel(path, after.names(), entered ? before.names() : undefined));
  }
}

function toLevel(path: ByteString, names: readonly ByteString[], old: readonly ByteString[] | undefined): Level {
  return { path, names: [...new Set([...names, ...(old ?? [])])].sort().reverse(), old: old && new Set(old) };
}

function compare(trees: TwoTrees, entry: TreeEntry, old: TreeEntry | undefined): 'added' | 'changed' | 'linked' | undefined {
  if (!old) return 'added';
  const times = trees.folderTimes || !entry.stat.isDirectory();
  if (!hasEqualMetadata(entry, old, trees.attributes, times)) return 'changed';
  return hasNewName(entry.stat, old.stat) ? 'linked' : undefined;
}

function hasNewName(stat: BigIntStats, old: BigIntStats): boolean {
  return !stat.isDirectory() && stat.nlink > 1n && stat.nlink !== old.nlink;
}

function* rootChange(trees: TwoTrees, after: FolderStack, before: FolderStack | undefined): Generator<Change> {
  const [stat, old] = [after.stat(''), before?.stat('')];
  if (!stat) return;
  const entry = { path: '', stat, location: after.location('') };
  const same = old && before && hasEqualMetadata(entry, { path: '', stat: old, location: before.location('') }, trees.attributes, false);
  if (same !== true) yield { kind: 'changed', entry };
}
