import { existsSync, mkdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, isEngineError } from '../../../base/errors.ts';
import { toEngineError, withErrno } from '../../../system/errno.ts';
import type { System } from '../../../system/system.ts';
import { allocatedBytes } from '../disk-usage.ts';
import type { SnapshotChanges, SnapshotEntry, SnapshotStore } from '../snapshot.ts';
import { Creation, notFound } from './creation.ts';
import { OverlayLayout, directoryName, hasCode, keyOf } from './layout.ts';
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
  readonly #creation: Creation;
  #support: OverlaySupport | undefined;

  constructor({ graphRoot, runRoot, options, system }: OverlaySnapshotStoreOptions) {
    this.#layout = new OverlayLayout(graphRoot, runRoot);
    this.#options = options;
    this.#system = system;
    this.#removal = new Removal(this.#layout, system, (name) => this.#creation.tryFillLock(name));
    this.#creation = new Creation(this.#layout, system, this.#removal, `${runRoot}/locks/snapshot`);
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
    return { diffDirectory: await withErrnos('create', key, () => this.#creation.begin(key, parent)) };
  }

  commit(key: string): Promise<void> {
    return withErrnos('commit', key, () => this.#creation.commit(key, this.xattrPrefix));
  }

  createWritable(key: string, parent: string | undefined): undefined {
    this.#ready();
    withErrno('create', `snapshot ${key}`, () => {
      this.#creation.createWritable(key, parent);
    });
  }

  exists(key: string): boolean {
    return this.#layout.isCommitted(key);
  }

  has(key: string): boolean {
    return existsSync(this.#layout.directory(key));
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
    removeMountPoint(merged);
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

  changes(key: string): SnapshotChanges {
    const record = this.#committed(key);
    return {
      kind: 'upper',
      upper: this.#layout.diff(key),
      lower: this.#lowerDirectories(record),
      opaqueAttributes: [`${this.xattrPrefix}opaque`],
      markFiles: [],
    };
  }

  async diffBytes(key: string): Promise<number> {
    this.#committed(key);
    return allocatedBytes(this.#layout.diff(key));
  }

  async remove(key: string): Promise<void> {
    if (this.isMounted(key)) throw new EngineError('in-use', `snapshot ${key} is mounted`, { fix: 'stop what uses it first' });
    await withErrnos('remove', key, () => this.#creation.remove(key));
    // An engine that died while it mounted or unmounted left an empty folder or two.
    removeMountPoint(this.#layout.mountPoint(key));
  }

  list(): SnapshotEntry[] {
    return this.#layout.names().flatMap((name) => {
      const key = keyOf(name);
      const committed = this.#layout.isCommitted(key);
      const intact = committed ? this.#layout.committedIfIntact(key) : undefined;
      const record = intact ?? this.#layout.creating(key);
      const damaged = committed && (!intact || !existsSync(this.#layout.diff(key)));
      return [{ key, parent: record?.parent, committed, ...(damaged ? { damaged } : {}) }];
    });
  }

  describe(key: string): Readonly<Record<string, string>> {
    const record = this.#committed(key);
    const { writable } = record;
    const directory = this.#layout.directory(key);
    const folders = this.#lowerDirectories(record);
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

  #lowerDirectories({ lower }: SnapshotRecord): string[] {
    return lower.map((link) => `${this.#layout.home}/${readlinkSync(`${this.#layout.links}/${link}`).slice('../'.length)}`);
  }

  #committed(key: string): SnapshotRecord {
    const record = this.#layout.committed(key);
    if (!record) throw notFound(key);
    return record;
  }
}

function removeMountPoint(path: string): void {
  for (const directory of [path, dirname(path)]) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EBUSY')) throw error;
    }
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

/** A failing disk is an error of the disk, not a bug. */
async function withErrnos<T>(call: string, key: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toEngineError(error, call, `snapshot ${key}`);
  }
}
