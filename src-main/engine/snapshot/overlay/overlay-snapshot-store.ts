import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { Lock, System } from '../../../system/system.ts';
import { allocatedBytes } from '../disk-usage.ts';
import type { SnapshotEntry, SnapshotStore } from '../snapshot.ts';
import { OverlayLayout, directoryName, hasCode, keyOf, newLinkName, recordText } from './layout.ts';
import type { SnapshotRecord } from './layout.ts';
import { withMountData } from './mount-data.ts';
import type { OverlaySupport, XattrPrefix } from './probe.ts';
import { probeOverlay } from './probe.ts';
import { Removal } from './removal.ts';
import type { OverlayOptions } from './storage-options.ts';

export type OverlaySystem = Pick<System, 'attributes' | 'files' | 'identity' | 'locks' | 'mounts' | 'processes'>;

export interface OverlaySnapshotStoreOptions {
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly options: OverlayOptions;
  readonly system: OverlaySystem;
}

/** Snapshots on the kernel's overlay file system; see layout.ts for what lies where. */
export class OverlaySnapshotStore implements SnapshotStore {
  readonly driver = 'overlay';
  readonly whiteoutForm = 'overlay-char-device';
  readonly #layout: OverlayLayout;
  readonly #options: OverlayOptions;
  readonly #system: OverlaySystem;
  readonly #removal: Removal;
  readonly #lockDirectory: string;
  /** Of layers that this process is filling: other engines' sweeps see by them that somebody is at work. */
  readonly #fillLocks = new Map<string, Lock>();
  #support: OverlaySupport | undefined;
  #staged = 0;

  constructor({ graphRoot, runRoot, options, system }: OverlaySnapshotStoreOptions) {
    this.#layout = new OverlayLayout(graphRoot, runRoot);
    this.#options = options;
    this.#system = system;
    this.#lockDirectory = `${runRoot}/locks/snapshot`;
    this.#removal = new Removal(this.#layout, system, (name) => this.#tryFillLock(name));
  }

  get xattrPrefix(): XattrPrefix {
    return this.#ready().xattrPrefix;
  }

  status(): Readonly<Record<string, string>> {
    const { xattrPrefix, mountOptions, backingFileSystem, reason } = this.#ready();
    const metacopy = mountOptions.includes('metacopy=on');
    return {
      'Backing Filesystem': backingFileSystem,
      'Native Overlay Diff': String(!metacopy),
      'Supports d_type': 'true',
      'Using metacopy': String(metacopy),
      userxattr: String(xattrPrefix === 'user.overlay.'),
      driverReason: reason,
    };
  }

  async create(key: string, parent: string | undefined): Promise<{ readonly diffDirectory: string }> {
    this.#ready();
    const name = directoryName(key);
    if (parent !== undefined) directoryName(parent);
    if (this.#layout.committed(key)) throw alreadyExists(key);
    const lock = this.#tryFillLock(name);
    if (!lock) throw new EngineError('in-use', `snapshot ${key} is being filled by another engine`, { fix: 'wait for it to end' });
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
    return { diffDirectory: this.#layout.diff(key) };
  }

  commit(key: string): Promise<void> {
    // In a promise so that what is thrown rejects; nothing here waits.
    return Promise.resolve().then(() => {
      this.#commit(key);
    });
  }

  #commit(key: string): void {
    const layout = this.#layout;
    if (layout.committed(key)) return;
    const draft = layout.creating(key);
    if (!draft) throw notFound(key);
    const parent = draft.parent === undefined ? undefined : layout.committed(draft.parent);
    if (draft.parent !== undefined && !parent)
      throw new EngineError('wrong-state', `snapshot ${key} cannot be committed before its parent ${draft.parent}`);
    const directory = layout.directory(key);
    // Overlay looks for the opaque mark in merged directories only, not at the root of a layer; leaving out what lies below is the same.
    const opaqueRoot = this.#system.attributes.getXattr(`${directory}/diff`, `${this.xattrPrefix}opaque`) !== undefined;
    const lower = parent && !opaqueRoot ? [parent.link, ...parent.lower] : [];
    const link = this.#link(draft.link, directoryName(key));
    this.#system.files.syncDirectory(layout.links);
    this.#system.files.writeDurably(`${directory}/committed`, recordText({ ...draft, link, lower }), { mode: 0o600 });
    unlinkSync(`${directory}/creating`);
    this.#system.files.syncDirectory(layout.home);
    this.#releaseFillLock(key);
  }

  createWritable(key: string, parent: string | undefined): void {
    this.#ready();
    const layout = this.#layout;
    const name = directoryName(key);
    const below = parent === undefined ? undefined : this.#committed(parent);
    if (below?.writable === true) throw new EngineError('wrong-state', `snapshot ${String(parent)} is writable and cannot be a parent`);
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
    if (parent !== undefined && !existsSync(`${layout.directory(parent)}/committed`)) {
      unlinkSync(`${layout.links}/${link}`);
      this.#removal.discardLater(name);
      throw notFound(parent);
    }
  }

  exists(key: string): boolean {
    return existsSync(`${this.#layout.directory(key)}/committed`);
  }

  mount(key: string, options: { readonly readOnly?: boolean } = {}): string {
    const { mountOptions } = this.#ready();
    const record = this.#committed(key);
    const merged = this.#layout.mountPoint(key);
    if (!makeMountPoint(merged) && this.#system.mounts.isMountPoint(merged)) return merged;
    const writable = record.writable && options.readOnly !== true;
    const request = {
      links: this.#layout.links,
      empty: this.#layout.empty,
      lower: writable ? record.lower : [record.link, ...record.lower],
      upper: writable ? { link: record.link, name: directoryName(key) } : undefined,
      options: mountOptions,
    };
    const flags = writable ? this.#options.flags : (['readonly', ...this.#options.flags] as const);
    withMountData(request, (data) => this.#system.mounts.mount('overlay', merged, 'overlay', flags, data));
    return merged;
  }

  unmount(key: string): void {
    const merged = this.#layout.mountPoint(key);
    try {
      this.#system.mounts.unmount(merged);
    } catch (error) {
      // Somebody looks into it, with a shell or a file browser: it goes when they leave.
      if (!isEngineError(error, 'in-use')) throw error;
      this.#system.mounts.unmount(merged, { detach: true });
    }
    for (const directory of [merged, dirname(merged)]) {
      try {
        rmdirSync(directory);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EBUSY')) throw error;
      }
    }
  }

  isMounted(key: string): boolean {
    const merged = this.#layout.mountPoint(key);
    return existsSync(merged) && this.#system.mounts.isMountPoint(merged);
  }

  mountPoint(key: string): string {
    return this.#layout.mountPoint(key);
  }

  diffDirectory(key: string): string {
    return this.#layout.diff(key);
  }

  async diffBytes(key: string): Promise<number> {
    this.#committed(key);
    return allocatedBytes(this.#layout.diff(key));
  }

  async remove(key: string): Promise<void> {
    const name = directoryName(key);
    if (this.isMounted(key)) throw new EngineError('in-use', `snapshot ${key} is mounted`, { fix: 'stop what uses it first' });
    const filledByUs = this.#fillLocks.has(key);
    using lock = filledByUs || this.exists(key) ? undefined : this.#tryFillLock(name);
    if (!filledByUs && !lock && !this.exists(key) && existsSync(this.#layout.directory(key)))
      throw new EngineError('in-use', `snapshot ${key} is being filled by another engine`, { fix: 'wait for it to end' });
    await this.#removal.remove(key, name);
    this.#releaseFillLock(key);
  }

  list(): SnapshotEntry[] {
    return this.#layout.names().flatMap((name) => {
      const key = keyOf(name);
      const committed = this.#layout.committed(key);
      // A writable snapshot removed between two looks has neither.
      const record = committed ?? this.#layout.creating(key);
      return record ? [{ key, parent: record.parent, committed: committed !== undefined }] : [];
    });
  }

  describe(key: string): Readonly<Record<string, string>> {
    const { lower, writable } = this.#committed(key);
    const directory = this.#layout.directory(key);
    const folders = lower.map((link) => `${this.#layout.home}/${readlinkSync(`${this.#layout.links}/${link}`).slice('../'.length)}`);
    return {
      ...(folders.length > 0 ? { LowerDir: folders.join(':') } : {}),
      ...(writable ? { MergedDir: this.#layout.mountPoint(key) } : {}),
      UpperDir: `${directory}/diff`,
      ...(writable ? { WorkDir: `${directory}/work` } : {}),
    };
  }

  sweep(): Promise<readonly string[]> {
    return this.#removal.sweep();
  }

  /** First use in this process: the store's own folders, and how overlay works here. */
  #ready(): OverlaySupport {
    if (this.#support) return this.#support;
    const { home, links, trash, empty } = this.#layout;
    // Closed to other users: a set-id program inside a layer must not be reachable for them (CVE-2021-41091).
    for (const directory of [home, links, trash, empty]) this.#system.files.ensureDirectory(directory, 0o700);
    this.#support = probeOverlay(home, this.#options.metacopy, this.#system);
    return this.#support;
  }

  #committed(key: string): SnapshotRecord {
    const record = this.#layout.committed(key);
    if (!record) throw notFound(key);
    return record;
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

  #tryFillLock(name: string): Lock | undefined {
    this.#system.files.ensureDirectory(this.#lockDirectory, 0o700);
    return this.#system.locks.tryAcquire(`${this.#lockDirectory}/${name}`);
  }

  #releaseFillLock(key: string): void {
    this.#fillLocks.get(key)?.release();
    this.#fillLocks.delete(key);
  }
}

/** Answers whether it was made now: then nothing can be mounted there. */
function makeMountPoint(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'ENOENT')) throw error;
    return mkdirSync(path, { mode: 0o700, recursive: true }) !== undefined;
  }
}

function alreadyExists(key: string): EngineError {
  return new EngineError('already-exists', `snapshot ${key} exists already`);
}

function notFound(key: string): EngineError {
  return new EngineError('not-found', `there is no snapshot ${key}`);
}
