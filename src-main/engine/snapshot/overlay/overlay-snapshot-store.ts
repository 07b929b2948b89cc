import { chmodSync, chownSync, existsSync, mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { EngineError } from '../../../base/errors.ts';
import { withErrno } from '../../../system/errno.ts';
import { Creation, notFound } from '../creation.ts';
import { allocatedBytes } from '../disk-usage.ts';
import type { DriverFile } from '../driver-file.ts';
import { SnapshotLayout, directoryName, newLinkName } from '../layout.ts';
import type { SnapshotRecord } from '../layout.ts';
import { MountPoints } from '../mount-points.ts';
import { listSnapshots, withErrnos } from '../records.ts';
import { Removal } from '../removal.ts';
import { replaceFiles } from '../replacement.ts';
import { withOurRoot } from '../id-mapping.ts';
import type { IdMapping } from '../id-mapping.ts';
import { MappedCopies } from '../mapped-copies.ts';
import { probeMappedMounts, withMappedAt } from '../mapped-mounts.ts';
import type { MappedMountSupport } from '../mapped-mounts.ts';
import type { MappedCopyOptions, SnapshotChanges, SnapshotEntry, SnapshotProblem, SnapshotStore, SnapshotSystem } from '../snapshot.ts';
import type { OverlayOptions } from '../storage-options.ts';
import { borrowLayer, isBorrowed } from './borrow.ts';
import { makeLink } from './links.ts';
import { withMountData } from './mount-data.ts';
import { findLeaked, markAttributes, markFiles, MountProgram } from './mount-program.ts';
import type { OverlaySupport, XattrPrefix } from './probe.ts';
import { probeOverlay } from './probe.ts';

export interface OverlaySnapshotStoreOptions {
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly options: OverlayOptions;
  readonly system: SnapshotSystem;
  readonly driverFile: DriverFile;
}

/** Snapshots on the kernel's overlay file system or a program that does the same by FUSE; see layout.ts for what lies where. */
export class OverlaySnapshotStore implements SnapshotStore {
  readonly driver = 'overlay';
  readonly whiteoutForm = 'overlay-char-device';
  readonly #layout: SnapshotLayout;
  readonly #options: OverlayOptions;
  readonly #system: SnapshotSystem;
  readonly #removal: Removal;
  readonly #creation: Creation;
  readonly #mountPoints: MountPoints;
  readonly #copies: MappedCopies;
  #support: OverlaySupport | undefined;

  constructor({ graphRoot, runRoot, options, system, driverFile }: OverlaySnapshotStoreOptions) {
    this.#layout = new SnapshotLayout(graphRoot, runRoot, this.driver);
    this.#options = options;
    this.#system = system;
    this.#mountPoints = new MountPoints(this.#layout, system.mounts);
    this.#removal = new Removal(this.#layout, system, (name) => this.#creation.tryFillLock(name));
    this.#creation = new Creation({
      layout: this.#layout,
      system,
      removal: this.#removal,
      lockDirectory: `${runRoot}/locks/snapshot`,
      claim: () => driverFile.claim(this.driver),
    });
    this.#copies = new MappedCopies({
      layout: this.#layout,
      system,
      creation: this.#creation,
      newLink: newLinkName,
      complete: (key, draft) => ({ ...draft, link: makeLink(this.#layout, key, draft.link), lower: [] }),
    });
  }

  get imageStores(): readonly string[] {
    return this.#options.imageStores;
  }

  get imageStoreWarnings(): readonly string[] {
    return this.#options.notes.filter((note) => note.startsWith('the additional image store'));
  }

  get xattrPrefix(): XattrPrefix {
    return this.ready().xattrPrefix;
  }

  status(): Readonly<Record<string, string>> {
    const { xattrPrefix, mountProgram, backingFileSystem, reason } = this.ready();
    return {
      'Backing Filesystem': backingFileSystem,
      'Native Overlay Diff': String(mountProgram === undefined),
      'Supports d_type': 'true',
      'Using metacopy': 'false',
      userxattr: String(mountProgram === undefined && xattrPrefix === 'user.overlay.'),
      ...(mountProgram === undefined ? {} : { 'Mount Program': mountProgram }),
      driverReason: [reason, ...this.#options.notes].join('; '),
    };
  }

  async create(key: string, parent: string | undefined): Promise<{ readonly diffDirectory: string }> {
    this.ready();
    return { diffDirectory: await withErrnos('create', key, () => this.#creation.begin(key, parent, newLinkName())) };
  }

  commit(key: string): Promise<void> {
    const { xattrPrefix } = this.ready();
    return withErrnos('commit', key, () =>
      this.#creation.commit(key, async (draft, parent) => {
        const diff = this.#layout.diff(key);
        await this.#creation.syncData(diff);
        // Overlay looks for the opaque mark in merged directories only, not at the root of a layer; leaving out what lies below is the same.
        const opaqueRoot = this.#system.attributes.getXattr(diff, `${xattrPrefix}opaque`) !== undefined;
        const lower = parent && !opaqueRoot ? [parent.link, ...parent.lower] : [];
        return { ...draft, link: makeLink(this.#layout, key, draft.link), lower };
      }),
    );
  }

  createWritable(key: string, parent: string | undefined, mapping?: IdMapping): undefined {
    this.ready();
    withErrno('create', `snapshot ${key}`, () => {
      const staging = this.#creation.stage(key, parent);
      const { below, directory } = staging;
      const link = makeLink(this.#layout, key);
      try {
        mkdirSync(directory, { mode: 0o700 });
        mkdirSync(`${directory}/work`, { mode: 0o700 });
        this.#makeUpper(`${directory}/diff`, parent);
        this.#creation.publish(staging, { link, lower: below ? [below.link, ...below.lower] : [], ...(mapping ? { mapping } : {}) });
      } catch (error) {
        this.#creation.abandon(staging, link);
        throw error;
      }
    });
  }

  /** A mount program reads the files as they are. */
  mappedMounts(): MappedMountSupport {
    const { mountProgram } = this.ready();
    if (mountProgram !== undefined) return { works: false, reason: `trees are mounted by ${mountProgram}` };
    return probeMappedMounts(this.#layout.home, this.#system);
  }

  ensureMappedCopy(parent: string, source: string, mapping: IdMapping, options: MappedCopyOptions): Promise<string> {
    return withErrnos('copy', parent, () => this.#copies.ensure(parent, source, mapping, options));
  }

  removeMappedCopies(parent: string): Promise<void> {
    return withErrnos('remove', parent, () => this.#copies.removeOf(parent));
  }

  borrow(key: string, parent: string | undefined, graphRoot: string): boolean {
    this.ready();
    const place = { layout: this.#layout, creation: this.#creation, system: this.#system };
    return withErrno('use', `layer ${key} of ${graphRoot}`, () => borrowLayer(place, key, parent, `${graphRoot}/${this.driver}`));
  }

  isBorrowed(key: string): boolean {
    for (let at: string | undefined = key; at !== undefined; at = this.#layout.committed(at)?.parent)
      if (isBorrowed(this.#layout, at)) return true;
    return false;
  }

  exists(key: string): boolean {
    return this.#layout.isCommitted(key);
  }

  isIntact(key: string): boolean {
    return this.#layout.isIntact(key);
  }

  async replace(key: string, from: string): Promise<void> {
    await withErrnos('replace', key, async () => {
      const { files } = this.#system;
      // Before, so that no death in between leaves one that has what was damaged in it.
      this.#copies.outdate(key);
      replaceFiles(
        { layout: this.#layout, files, isMounted: (one) => this.isMounted(one), makeLink: (one) => makeLink(this.#layout, one) },
        key,
        from,
      );
      await this.remove(from);
    });
  }

  has(key: string): boolean {
    return existsSync(this.#layout.directory(key));
  }

  mount(key: string, options: { readonly readOnly?: boolean } = {}): string {
    const { mountOptions } = this.ready();
    const record = this.#committed(key);
    const merged = this.#layout.mountPoint(key);
    if (this.#mountPoints.prepare(key)) return merged;
    const writable = record.writable && options.readOnly !== true;
    const request = {
      links: this.#layout.links,
      lower: writable ? record.lower : [record.link, ...record.lower],
      upper: writable ? { link: record.link, name: directoryName(key) } : undefined,
    };
    const flags = writable ? this.#options.flags : (['readonly', ...this.#options.flags] as const);
    const program = this.#programFor(key);
    if (program === undefined) {
      const mount = (home: string): void =>
        withMountData({ ...request, links: `${home}/l`, empty: `${home}/.empty`, options: mountOptions }, (data) =>
          this.#system.mounts.mount('overlay', merged, 'overlay', flags, data),
        );
      const { home } = this.#layout;
      if (record.mapping === undefined) mount(home);
      else {
        const mapped = this.#layout.mappedHome(key);
        withMappedAt(home, mapped, withOurRoot(record.mapping), this.#system, () => mount(mapped));
      }
      return merged;
    }
    if (record.mapping !== undefined) throw mappedByKernelOnly(key, program);
    if (writable && !this.#wasMountedByProgram(key)) writeFileSync(this.#mountedBy(key), `${program}\n`, { mode: 0o600 });
    new MountProgram(program, this.#system.processes, this.#system.mounts).mount({ ...request, flags, target: merged });
    return merged;
  }

  unmount(key: string): void {
    this.#mountPoints.unmount(key);
  }

  isMounted(key: string): boolean {
    return this.#mountPoints.isMounted(key);
  }

  mountPoint(key: string): string {
    return this.#layout.mountPoint(key);
  }

  diffDirectory(key: string): string {
    return this.#layout.diff(key);
  }

  changes(key: string): SnapshotChanges {
    const record = this.#committed(key);
    const byProgram = this.#wasMountedByProgram(key);
    // A FUSE file system keeps written pages to itself for a while.
    if (byProgram && this.isMounted(key)) this.#system.processes.runSync('sync', ['--file-system', this.#layout.mountPoint(key)]);
    const below = record.parent === undefined ? undefined : this.#layout.committed(record.parent);
    return {
      kind: 'upper',
      owners: record.mappedBy ?? below?.mappedBy,
      upper: this.#layout.diff(key),
      lower: this.#lowerDirectories(record),
      opaqueAttributes: byProgram ? markAttributes : [`${this.xattrPrefix}opaque`],
      markFiles: byProgram ? markFiles : [],
    };
  }

  async diffBytes(key: string): Promise<number> {
    this.#committed(key);
    return allocatedBytes(this.#layout.diff(key));
  }

  async remove(key: string): Promise<void> {
    this.#mountPoints.refuseMounted(key);
    await withErrnos('remove', key, () => this.#creation.remove(key));
    this.#mountPoints.clear(key);
  }

  list(): SnapshotEntry[] {
    return listSnapshots(this.#layout);
  }

  describe(key: string): Readonly<Record<string, string>> {
    const record = this.#committed(key);
    const folders = this.#lowerDirectories(record);
    return {
      ...(folders.length > 0 ? { LowerDir: folders.join(':') } : {}),
      ...(record.writable ? { MergedDir: this.#layout.mountPoint(key) } : {}),
      UpperDir: this.#layout.diff(key),
      ...(record.writable ? { WorkDir: this.#layout.workDirectory(key) } : {}),
    };
  }

  sweep(): Promise<readonly string[]> {
    return this.#removal.sweep();
  }

  findProblems(): readonly SnapshotProblem[] {
    return findLeaked(this.#layout.runHome, this.#system.mounts, this.#system.processes).map(({ pid, target }) => ({
      kind: 'leaked-process',
      object: String(pid),
      message: `a mount program (process ${String(pid)}) whose ${target} is not mounted any more; end what still uses it, or: kill ${String(pid)}`,
    }));
  }

  /** First use in this process: the store's own folders, and how overlay works here. Errors: `unsupported`. */
  ready(): OverlaySupport {
    if (this.#support) return this.#support;
    const { home, links, trash, empty } = this.#layout;
    // Closed to other users: a set-id program inside a layer must not be reachable for them (CVE-2021-41091).
    for (const directory of [home, links, trash, empty]) this.#system.files.ensureDirectory(directory, 0o700);
    this.#support = probeOverlay(home, this.#options.mountProgram, this.#system);
    return this.#support;
  }

  /** What a mount program has written has marks of its own, which the kernel's overlay takes for files: it stays with the program. */
  #programFor(key: string): string | undefined {
    const { mountProgram } = this.ready();
    if (mountProgram !== undefined || !this.#wasMountedByProgram(key)) return mountProgram;
    const program = this.#system.processes.find('fuse-overlayfs');
    if (program !== undefined) return program;
    throw new EngineError('missing-tool', `snapshot ${key} was written through fuse-overlayfs, which is not installed any more`, {
      fix: 'install the package fuse-overlayfs',
    });
  }

  #wasMountedByProgram(key: string): boolean {
    return existsSync(this.#mountedBy(key));
  }

  #mountedBy(key: string): string {
    return `${this.#layout.directory(key)}/mounted-by`;
  }

  /** The upper folder is what the container sees as /: mode and owner are those of the image's. */
  #makeUpper(path: string, parent: string | undefined): void {
    mkdirSync(path, { mode: 0o700 });
    const like = parent === undefined ? undefined : statSync(this.#layout.diff(parent));
    if (like && (like.uid !== 0 || like.gid !== 0)) chownSync(path, like.uid, like.gid);
    chmodSync(path, like ? like.mode & 0o7777 : 0o755);
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

function mappedByKernelOnly(key: string, program: string): EngineError {
  return new EngineError('unsupported', `snapshot ${key} was made for mounts that translate owners, and ${program} cannot do that`, {
    fix: 'leave out overlay.mount_program, or create the container again',
  });
}
