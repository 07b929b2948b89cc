import { chmodSync, existsSync, mkdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Lock, System } from '../../system/system.ts';
import { directoryName, hasCode, recordText } from './layout.ts';
import type { SnapshotLayout, SnapshotRecord } from './layout.ts';
import type { Removal } from './removal.ts';

export type CreationSystem = Pick<System, 'files' | 'locks' | 'processes'>;

/** A writable snapshot that is being built aside. */
export interface Staging {
  readonly directory: string;
  readonly key: string;
  readonly parent: string | undefined;
  readonly below: SnapshotRecord | undefined;
}

export interface CreationOptions {
  readonly layout: SnapshotLayout;
  readonly system: CreationSystem;
  readonly removal: Removal;
  readonly lockDirectory: string;
  /** Called once there is something in the driver's folder; throws when the store is another driver's. */
  readonly claim: () => void;
}

/** Making snapshots, whatever the driver. Nothing exists under its final name with a record before it is whole. */
export class Creation {
  readonly #layout: SnapshotLayout;
  readonly #system: CreationSystem;
  readonly #removal: Removal;
  readonly lockDirectory: string;
  readonly claim: () => void;
  /** Of layers that this process is filling: other engines see by them that somebody is at work. */
  readonly #fillLocks = new Map<string, Lock>();
  #staged = 0;

  constructor({ layout, system, removal, lockDirectory, claim }: CreationOptions) {
    this.#layout = layout;
    this.#system = system;
    this.#removal = removal;
    this.lockDirectory = lockDirectory;
    this.claim = claim;
  }

  /** Answers the diff directory. */
  async begin(key: string, parent: string | undefined, link: string): Promise<string> {
    const name = directoryName(key);
    if (parent !== undefined) directoryName(parent);
    if (this.#layout.committed(key)) throw alreadyExists(key);
    const lock = this.tryFillLock(name);
    if (!lock) throw beingFilled(key);
    try {
      if (this.#layout.committed(key)) throw alreadyExists(key);
      const directory = this.#layout.directory(key);
      if (existsSync(directory)) await this.#removal.discard(name);
      mkdirSync(directory, { mode: 0o700 });
      this.#claimOr(() => rmdirSync(directory));
      const record: SnapshotRecord = { parent, link, lower: [], writable: false };
      writeFileSync(`${directory}/creating`, recordText(record), { mode: 0o600 });
      mkdirSync(`${directory}/diff`);
      chmodSync(`${directory}/diff`, 0o755);
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#fillLocks.set(key, lock);
    return this.#layout.diff(key);
  }

  /** @param complete does what the driver needs; answers the record to be */
  async commit(
    key: string,
    complete: (draft: SnapshotRecord, parent: SnapshotRecord | undefined) => Promise<SnapshotRecord>,
  ): Promise<void> {
    const layout = this.#layout;
    if (layout.committed(key)) return;
    const draft = layout.creating(key);
    if (!draft) throw notFound(key);
    const parent = draft.parent === undefined ? undefined : layout.committed(draft.parent);
    if (draft.parent !== undefined && !parent)
      throw new EngineError('wrong-state', `snapshot ${key} cannot be committed before its parent ${draft.parent}`);
    if (parent?.writable === true) throw writableParent(draft.parent);
    const record = await complete(draft, parent);
    const directory = layout.directory(key);
    this.#system.files.writeDurably(`${directory}/committed`, recordText(record), { mode: 0o600 });
    if (draft.parent !== undefined && !layout.committed(draft.parent)) {
      // Removed since we looked; its remover looks for children after its rename, we for the parent after ours.
      unlinkSync(`${directory}/committed`);
      this.#removal.dropLink(record.link);
      throw new EngineError('wrong-state', `the parent ${draft.parent} of snapshot ${key} was removed meanwhile`);
    }
    unlinkSync(`${directory}/creating`);
    if (record.link !== '') this.#system.files.syncDirectory(layout.links);
    this.#system.files.syncDirectory(layout.home);
    this.releaseFillLock(key);
  }

  /** For {@link publish}. */
  stage(key: string, parent: string | undefined): Staging {
    directoryName(key);
    const below = parent === undefined ? undefined : this.#layout.committed(parent);
    if (parent !== undefined && !below) throw notFound(parent);
    if (below?.writable === true) throw writableParent(parent);
    return { directory: `${this.#layout.home}/.new-${this.#removal.owner}-${String((this.#staged += 1))}`, key, parent, below };
  }

  /** Gives a staged writable snapshot its name: a few calls, no waiting, no fsync. */
  publish({ directory, key, parent, below }: Staging, record: Pick<SnapshotRecord, 'link' | 'lower' | 'mapping'>): void {
    const layout = this.#layout;
    writeFileSync(`${directory}/committed`, recordText({ parent, ...record, writable: true }), { mode: 0o600 });
    try {
      renameSync(directory, layout.directory(key));
    } catch (error) {
      throw hasCode(error, 'ENOTEMPTY', 'EEXIST') ? alreadyExists(key) : error;
    }
    try {
      this.claim();
      // The parent may have been removed meanwhile; its remover looks for children after its rename, we for the parent after ours.
      if (below && !layout.isCommitted(parent ?? '')) throw notFound(parent ?? '');
    } catch (error) {
      this.#removal.discardLater(directoryName(key));
      throw error;
    }
  }

  /** After a failure before or in {@link publish}. */
  abandon({ directory }: Staging, link: string): void {
    this.#removal.dropLink(link);
    this.#removal.discardLater(basename(directory));
  }

  async remove(key: string): Promise<void> {
    const name = directoryName(key);
    const unfinished = !this.#fillLocks.has(key) && existsSync(this.#layout.directory(key)) && !this.#layout.isCommitted(key);
    using lock = unfinished ? this.tryFillLock(name) : undefined;
    if (unfinished && !lock) throw beingFilled(key);
    try {
      await this.#removal.remove(key, name);
    } finally {
      // Whether it went or not, nobody fills it any more: another attempt starts anew.
      this.releaseFillLock(key);
    }
  }

  #claimOr(undo: () => void): void {
    try {
      this.claim();
    } catch (error) {
      undo();
      throw error;
    }
  }

  tryFillLock(name: string): Lock | undefined {
    return this.#system.locks.tryAcquire(`${this.lockDirectory}/${name}`);
  }

  releaseFillLock(key: string): void {
    this.#fillLocks.get(key)?.release();
    this.#fillLocks.delete(key);
  }

  /** syncfs(2): one call for the thousands of files of a layer. Without it a power failure leaves empty files behind a record that says all is well. */
  async syncData(directory: string): Promise<void> {
    const { code, stderr } = await this.#system.processes.run('sync', ['--file-system', directory]);
    if (code !== 0) throw new EngineError('unavailable', `the disk did not take the files of ${directory}: ${stderr.trim()}`);
  }
}

export function notFound(key: string): EngineError {
  return new EngineError('not-found', `there is no snapshot ${key}`);
}

function alreadyExists(key: string): EngineError {
  return new EngineError('already-exists', `snapshot ${key} exists already`);
}

function beingFilled(key: string): EngineError {
  return new EngineError('in-use', `snapshot ${key} is being filled by another engine`, { fix: 'wait for it to end' });
}

function writableParent(key: string | undefined): EngineError {
  return new EngineError('wrong-state', `snapshot ${String(key)} is writable and cannot be a parent`);
}
