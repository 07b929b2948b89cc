/**
 * Where snapshots lie on disk; DRIVER is `overlay` or `vfs`.
 *
 *   GRAPHROOT/storage-driver            the driver's name, from the first content on
 *   GRAPHROOT/DRIVER/<name>/diff        what differs from the parent; of vfs, from the commit on, the whole tree
 *                          /committed   the record below as JSON: its presence is the commit
 *                          /creating    the same while a layer is being filled
 *                          /outdated    of a mapped copy: its layer has other files by now
 *   GRAPHROOT/DRIVER/.new-<owner>-…     a writable snapshot before its rename; <owner> is pid and start time
 *   GRAPHROOT/DRIVER/.trash/…           a removed snapshot whose files are still being deleted
 *   RUNROOT/DRIVER/<name>/merged        the mount point
 *                        /mapped        GRAPHROOT/DRIVER with its owners translated, while overlay is being mounted
 * Of overlay alone:
 *   GRAPHROOT/overlay/<name>/work       the scratch folder of whoever mounts it, of writable snapshots
 *                           /mounted-by the mount program's name, if it was ever mounted writable by one
 *   GRAPHROOT/overlay/l/<link>          → ../<name>/diff, so that 127 layers fit into one page of mount data
 *   GRAPHROOT/overlay/.empty            an empty folder: overlay wants something below
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { errnoOf } from '../../system/errno.ts';
import { parseMapping } from './id-mapping.ts';
import type { IdMapping } from './id-mapping.ts';
import type { SnapshotDriver } from './snapshot.ts';

export interface SnapshotRecord {
  readonly parent: string | undefined;
  /** Empty for vfs, which needs none. */
  readonly link: string;
  /** Links of what lies below, from the top down. Shorter than the chain of parents when a layer hides everything below it. */
  readonly lower: readonly string[];
  readonly writable: boolean;
  /** Translated at each mount. */
  readonly mapping?: IdMapping | undefined;
  /** Its files have the owners already that this makes of the parent's. */
  readonly mappedBy?: IdMapping | undefined;
}

const keyShape = /^(sha256:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const linkShape = /^[a-z2-7]{8}$/;

/** A key as a file name: a colon would separate two folders in overlay's options. */
export function directoryName(key: string): string {
  if (!keyShape.test(key) || key.startsWith('sha256-') || key === 'l')
    throw new EngineError('invalid-argument', `${JSON.stringify(key.slice(0, 200))} cannot be the key of a snapshot`);
  return key.replace(':', '-');
}

export function keyOf(name: string): string {
  return name.startsWith('sha256-') ? `sha256:${name.slice(7)}` : name;
}

/** 40 random bits in base 32. Short on purpose: 127 of them, each behind /proc/self/fd/N/, have to fit into 4095 bytes. */
export function newLinkName(): string {
  return Array.from(randomBytes(8), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(byte & 31)).join('');
}

export class SnapshotLayout {
  readonly home: string;
  readonly links: string;
  readonly trash: string;
  readonly empty: string;
  /** Of the mount points. */
  readonly runHome: string;

  constructor(graphRoot: string, runRoot: string, driver: SnapshotDriver) {
    this.home = join(graphRoot, driver);
    this.links = join(this.home, 'l');
    this.trash = join(this.home, '.trash');
    this.empty = join(this.home, '.empty');
    this.runHome = join(runRoot, driver);
  }

  directory(key: string): string {
    return `${this.home}/${directoryName(key)}`;
  }

  diff(key: string): string {
    return `${this.directory(key)}/diff`;
  }

  runDirectory(key: string): string {
    return `${this.runHome}/${directoryName(key)}`;
  }

  mountPoint(key: string): string {
    return `${this.runDirectory(key)}/merged`;
  }

  /** Where the driver's folder is shown with translated owners while a mount is made. */
  mappedHome(key: string): string {
    return `${this.runDirectory(key)}/mapped`;
  }

  workDirectory(key: string): string {
    return `${this.directory(key)}/work`;
  }

  /** The committed record, or undefined. `corrupt` when its file is damaged. */
  committed(key: string): SnapshotRecord | undefined {
    return readRecord(`${this.directory(key)}/committed`, key);
  }

  isCommitted(key: string): boolean {
    return existsSync(`${this.directory(key)}/committed`);
  }

  /** The record of one that is being filled. A damaged one is none: its engine died while it wrote it. */
  creating(key: string): SnapshotRecord | undefined {
    return intact(() => readRecord(`${this.directory(key)}/creating`, key));
  }

  /** For those who look at all snapshots or take one away: a damaged record must not stand in their way. */
  committedIfIntact(key: string): SnapshotRecord | undefined {
    return intact(() => this.committed(key));
  }

  isIntact(key: string): boolean {
    return this.committedIfIntact(key) !== undefined && existsSync(this.diff(key));
  }

  /** Folder names of all snapshots, finished or not. */
  names(): string[] {
    return readNames(this.home).filter((name) => !name.startsWith('.') && name !== 'l');
  }
}

export function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(errnoOf(error) ?? '');
}

export function recordText(record: SnapshotRecord): string {
  return JSON.stringify({ ...record, parent: record.parent ?? null });
}

export function readRecord(path: string, key: string): SnapshotRecord | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const record = parseRecord(text);
  if (record) return record;
  throw new EngineError('corrupt', `the record of snapshot ${key} is damaged (${path})`, {
    fix: 'remove what uses it and pull the image again, or create the container again',
  });
}

function intact(read: () => SnapshotRecord | undefined): SnapshotRecord | undefined {
  try {
    return read();
  } catch (error) {
    if (isEngineError(error, 'corrupt')) return undefined;
    throw error;
  }
}

function parseRecord(text: string): SnapshotRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof SnapshotRecord, unknown>>;
    const { parent, link, lower, writable } = value;
    const isLink = (name: unknown): name is string => typeof name === 'string' && linkShape.test(name);
    if (!(isLink(link) || link === '') || !Array.isArray(lower) || !lower.every(isLink) || typeof writable !== 'boolean') return undefined;
    const record = { parent: typeof parent === 'string' ? parent : undefined, link, lower, writable };
    if (value.mapping === undefined && value.mappedBy === undefined) return record;
    const [mapping, mappedBy] = [value.mapping, value.mappedBy].map(parseMapping);
    return (value.mapping !== undefined && !mapping) || (value.mappedBy !== undefined && !mappedBy)
      ? undefined
      : { ...record, mapping, mappedBy };
  } catch {
    return undefined;
  }
}
