import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import type { Lock, System } from '../../../system/system.ts';
import { directoryName, hasCode, newLinkName, recordText } from './layout.ts';
import type { OverlayLayout, SnapshotRecord } from './layout.ts';
import type { XattrPrefix } from './probe.ts';
import type { Removal } from './removal.ts';

type CreationSystem = Pick<System, 'attributes' | 'files' | 'locks' | 'processes'>;

/** Making snapshots. Nothing exists under its final name with a record before it is whole. */
export class Creation {
  readonly #layout: OverlayLayout;
  readonly #system: CreationSystem;
  readonly #removal: Removal;
  readonly #lockDirectory: string;
  /** Of layers that this process is filling: other engines see by them that somebody is at work. */
  readonly #fillLocks = new Map<string, Lock>();
  #staged = 0;

  constructor(layout: OverlayLayout, system: CreationSystem, removal: Removal, lockDirectory: string) {
    this.#layout = layout;
    this.#system = system;
    this.#removal = removal;
    this.#lockDirectory = lockDirectory;
  }

  /** Answers the diff directory. */
  async begin(key: string, parent: string | undefined): Promise<string> {
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
      const record: SnapshotRecord = { parent, link: newLinkName(), lower: [], writable: false };
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

  async commit(key: string, xattrPrefix: XattrPrefix): Promise<void> {
    const layout = this.#layout;
    if (layout.committed(key)) return;
    const draft = layout.creating(key);
    if (!draft) throw notFound(key);
    const parent = draft.parent === undefined ? undefined : layout.committed(draft.parent);
    if (draft.parent !== undefined && !parent)
      throw new EngineError('wrong-state', `snapshot ${key} cannot be committed before its parent ${draft.parent}`);
    if (parent?.writable === true) throw writableParent(draft.parent);
    await this.#syncData(layout.diff(key));
    // Overlay looks for the opaque mark in merged directories only, not at the root of a layer; leaving out what lies below is the same.
    const opaqueRoot = this.#system.attributes.getXattr(layout.diff(key), `${xattrPrefix}opaque`) !== undefined;
    const lower = parent && !opaqueRoot ? [parent.link, ...parent.lower] : [];
    const link = this.#link(draft.link, directoryName(key));
    const directory = layout.directory(key);
    this.#system.files.writeDurably(`${directory}/committed`, recordText({ ...draft, link, lower }), { mode: 0o600 });
    if (draft.parent !== undefined && !layout.committed(draft.parent)) {
      // Removed since we looked; its remover looks for children after its rename, we for the parent after ours.
      unlinkSync(`${directory}/committed`);
      unlinkSync(`${layout.links}/${link}`);
      throw new EngineError('wrong-state', `the parent ${draft.parent} of snapshot ${key} was removed meanwhile`);
    }
    unlinkSync(`${directory}/creating`);
    for (const changed of [layout.links, layout.home]) this.#system.files.syncDirectory(changed);
    this.releaseFillLock(key);
  }

  /** Built aside and renamed: a few calls, no waiting, no fsync. */
  createWritable(key: string, parent: string | undefined): void {
    const layout = this.#layout;
    const name = directoryName(key);
    const below = parent === undefined ? undefined : layout.committed(parent);
    if (parent !== undefined && !below) throw notFound(parent);
    if (below?.writable === true) throw writableParent(parent);
    const staging = `${layout.home}/.new-${this.#removal.owner}-${String((this.#staged += 1))}`;
    const link = this.#link(newLinkName(), name);
    try {
      mkdirSync(staging, { mode: 0o700 });
      mkdirSync(`${staging}/work`, { mode: 0o700 });
      this.#makeUpper(`${staging}/diff`, parent);
      const lower = below ? [below.link, ...below.lower] : [];
      writeFileSync(`${staging}/committed`, recordText({ parent, link, lower, writable: true }), { mode: 0o600 });
      renameSync(staging, layout.directory(key));
    } catch (error) {
      unlinkSync(`${layout.links}/${link}`);
      this.#removal.discardLater(basename(staging));
      throw hasCode(error, 'ENOTEMPTY', 'EEXIST') ? alreadyExists(key) : error;
    }
    // The parent may have been removed meanwhile; its remover looks for children after its rename, we for the parent after ours.
    if (parent !== undefined && !layout.isCommitted(parent)) {
      unlinkSync(`${layout.links}/${link}`);
      this.#removal.discardLater(name);
      throw notFound(parent);
    }
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

  tryFillLock(name: string): Lock | undefined {
    return this.#system.locks.tryAcquire(`${this.#lockDirectory}/${name}`);
  }

  releaseFillLock(key: string): void {
    this.#fillLocks.get(key)?.release();
    this.#fillLocks.delete(key);
  }

  /** syncfs(2): one call for the thousands of files of a layer. Without it a power failure leaves empty files behind a record that says all is well. */
  async #syncData(directory: string): Promise<void> {
    const { code, stderr } = await this.#system.processes.run('sync', ['--file-system', directory]);
    if (code !== 0) throw new EngineError('unavailable', `the disk did not take the files of ${directory}: ${stderr.trim()}`);
  }

  #link(proposed: string, name: string): string {
    for (let link = proposed; ; link = newLinkName()) {
      try {
        symlinkSync(`../${name}/diff`, `${this.#layout.links}/${link}`);
        return link;
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    }
  }

  /** The upper folder is what the container sees as /: mode and owner are those of the image's. */
  #makeUpper(path: string, parent: string | undefined): void {
    mkdirSync(path, { mode: 0o700 });
    const like = parent === undefined ? undefined : statSync(this.#layout.diff(parent));
    if (like && (like.uid !== 0 || like.gid !== 0)) chownSync(path, like.uid, like.gid);
    chmodSync(path, like ? like.mode & 0o7777 : 0o755);
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
