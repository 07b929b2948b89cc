import { existsSync, lstatSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import type { System } from '../../../system/system.ts';
import type { Creation } from '../creation.ts';
import { directoryName, hasCode, readNames, readRecord, recordText } from '../layout.ts';
import type { SnapshotLayout, SnapshotRecord } from '../layout.ts';
import { makeLink } from './links.ts';

export interface BorrowPlace {
  readonly layout: SnapshotLayout;
  readonly creation: Pick<Creation, 'abandon' | 'claim' | 'stage'>;
  readonly system: Pick<System, 'files'>;
}

/** What is said of a snapshot by its own store, or belongs to it there. */
const notBorrowed: ReadonlySet<string> = new Set(['committed', 'creating', 'damaged', 'work', 'mounted-by', 'outdated', 'alias']);

/**
 * A snapshot like any other here, but what it has beside its record are symlinks into `home`, the driver's folder of another store. It is removed as any
 * other, which takes the links, and healed as any other when that store is gone or damaged: by files of our own.
 */
export function borrowLayer({ layout, creation, system }: BorrowPlace, key: string, parent: string | undefined, home: string): boolean {
  if (layout.isCommitted(key)) return true;
  const source = `${home}/${directoryName(key)}`;
  const there = lendable(source, key);
  if (!there || there.parent !== parent) return false;
  const staging = creation.stage(key, parent);
  const link = makeLink(layout, key);
  try {
    mkdirSync(staging.directory, { mode: 0o700 });
    for (const name of readNames(source)) if (!notBorrowed.has(name)) symlinkSync(`${source}/${name}`, `${staging.directory}/${name}`);
    // Nothing below it, though it has a parent: its root is opaque.
    const lower = staging.below && there.lower.length > 0 ? [staging.below.link, ...staging.below.lower] : [];
    system.files.writeDurably(`${staging.directory}/committed`, recordText({ parent, link, lower, writable: false }), { mode: 0o600 });
    renameSync(staging.directory, layout.directory(key));
  } catch (error) {
    creation.abandon(staging, link);
    // Something unfinished bears the name.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
  creation.claim();
  system.files.syncDirectory(layout.home);
  return true;
}

/** The record of a layer that is whole there, and whose owners are nobody's own. */
function lendable(source: string, key: string): SnapshotRecord | undefined {
  if (!existsSync(`${source}/diff`) || existsSync(`${source}/damaged`)) return undefined;
  try {
    const record = readRecord(`${source}/committed`, key);
    return record && !record.writable && !record.mapping && !record.mappedBy ? record : undefined;
  } catch {
    // Damaged there; it is pulled like one that nobody has.
    return undefined;
  }
}

export function isBorrowed(layout: SnapshotLayout, key: string): boolean {
  return lstatSync(layout.diff(key), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
