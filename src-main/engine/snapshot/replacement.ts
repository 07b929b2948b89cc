import { existsSync, lstatSync, mkdirSync, readlinkSync, renameSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import { notFound } from './creation.ts';
import { directoryName, readNames, recordText } from './layout.ts';
import type { SnapshotLayout, SnapshotRecord } from './layout.ts';
import { listSnapshots } from './records.ts';

export interface Replacement {
  readonly layout: SnapshotLayout;
  readonly files: Pick<System['files'], 'syncDirectory' | 'writeDurably'>;
  readonly isMounted: (key: string) => boolean;
  /** Makes a short name for a snapshot that has none any more; `''` where the driver needs none. */
  readonly makeLink: (key: string) => string;
}

/** What is the snapshot's own and stays with its name. */
const ownNames: ReadonlySet<string> = new Set(['committed', 'creating', 'work']);

/**
 * Puts the files of the committed snapshot `from` in the place of those of `key`, which move to `from`, for its removal. A death in between leaves
 * `key` without a part: damaged, as it was, and to be replaced again. Errors: `in-use` while a snapshot that lies on it is mounted, since the kernel
 * does not take a change below a mount.
 */
export function replaceFiles({ layout, files, isMounted, makeLink }: Replacement, key: string, from: string): void {
  const fresh = layout.committed(from);
  if (!fresh) throw notFound(from);
  refuseMounted(layout, isMounted, key);
  const directory = layout.directory(key);
  const source = layout.directory(from);
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  for (const name of new Set([...readNames(source), ...readNames(directory)])) {
    if (ownNames.has(name)) continue;
    // Of a layer of another store it is a symlink, and that store may be gone.
    if (lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })) renameSync(`${directory}/${name}`, `${source}/replaced-${name}`);
    if (existsSync(`${source}/${name}`)) renameSync(`${source}/${name}`, `${directory}/${name}`);
  }
  const record = layout.committedIfIntact(key) ?? rebuild(layout, key, fresh, makeLink);
  files.writeDurably(`${directory}/committed`, recordText(record), { mode: 0o600 });
  files.syncDirectory(layout.home);
}

/** The name by which others know it is part of their records: it has to stay, and can be told from where it leads to. */
function rebuild(layout: SnapshotLayout, key: string, fresh: SnapshotRecord, makeLink: (key: string) => string): SnapshotRecord {
  const target = `../${directoryName(key)}/diff`;
  const link = readNames(layout.links).find((name) => readlinkSync(`${layout.links}/${name}`) === target);
  return { ...fresh, link: link ?? makeLink(key) };
}

function refuseMounted(layout: SnapshotLayout, isMounted: (key: string) => boolean, key: string): void {
  const entries = listSnapshots(layout);
  const parents = new Map(entries.map((entry) => [entry.key, entry.parent]));
  const liesOnIt = (other: string): boolean => {
    const seen = new Set<string>();
    for (let at: string | undefined = other; at !== undefined && !seen.has(at); at = parents.get(at)) {
      if (at === key) return true;
      seen.add(at);
    }
    return false;
  };
  const user = entries.find((entry) => liesOnIt(entry.key) && isMounted(entry.key))?.key;
  if (user === undefined) return;
  const name = user.startsWith('sha256:') ? `layer ${user.slice(7, 19)}` : `container ${user.slice(0, 12)}`;
  throw new EngineError('in-use', `snapshot ${key} cannot be replaced while ${name} is mounted on it`, {
    fix: user.startsWith('sha256:') ? 'unmount it first' : `stop it first: selkie stop ${user.slice(0, 12)}`,
    details: { user },
  });
}
