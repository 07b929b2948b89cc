import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import type { MountFlag } from '../../../system/system.ts';
import { Creation, notFound } from '../creation.ts';
import type { DriverFile } from '../driver-file.ts';
import { fileSystemName } from '../file-system-name.ts';
import { SnapshotLayout } from '../layout.ts';
import type { SnapshotRecord } from '../layout.ts';
import { MountPoints } from '../mount-points.ts';
import { listSnapshots, withErrnos } from '../records.ts';
import { Removal } from '../removal.ts';
import { replaceFiles } from '../replacement.ts';
import { withOurRoot } from '../id-mapping.ts';
import type { IdMapping } from '../id-mapping.ts';
import { MappedCopies } from '../mapped-copies.ts';
import { mountMappedAt, probeMappedMounts } from '../mapped-mounts.ts';
import type { MappedMountSupport } from '../mapped-mounts.ts';
import type { MappedCopyOptions, SnapshotChanges, SnapshotEntry, SnapshotProblem, SnapshotStore, SnapshotSystem } from '../snapshot.ts';
import { ChangeApplication } from './apply-changes.ts';
import { changedBytes } from './changed-bytes.ts';
import { copyTree } from './copy-tree.ts';
import { rawPath } from './raw-path.ts';

export interface VfsSnapshotStoreOptions {
  readonly graphRoot: string;
  readonly runRoot: string;
  /** Why this and not overlay. */
  readonly reason: string;
  /** For overlay stores; of no use to this one. */
  readonly imageStores: readonly string[];
  readonly system: SnapshotSystem;
  readonly driverFile: DriverFile;
}

const nothing = { link: '', lower: [] } as const;

/** Snapshots as whole trees: needs nothing of the file system, and pays with a copy for each layer and each container. */
export class VfsSnapshotStore implements SnapshotStore {
  readonly driver = 'vfs';
  readonly whiteoutForm = 'file';
  readonly imageStores: readonly string[] = [];
  readonly imageStoreWarnings: readonly string[];
  readonly #layout: SnapshotLayout;
  readonly #system: SnapshotSystem;
  readonly #reason: string;
  readonly #removal: Removal;
  readonly #creation: Creation;
  readonly #mountPoints: MountPoints;
  readonly #copies: MappedCopies;
  #isReady = false;

  constructor({ graphRoot, runRoot, reason, imageStores, system, driverFile }: VfsSnapshotStoreOptions) {
    this.#layout = new SnapshotLayout(graphRoot, runRoot, this.driver);
    this.#system = system;
    this.#reason = reason;
    this.imageStoreWarnings = imageStores.map((path) => `the additional image store ${path} is not used: layers here are kept by vfs`);
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
      newLink: () => nothing.link,
      complete: (_key, draft) => ({ ...draft, ...nothing }),
    });
  }

  get xattrPrefix(): 'user.overlay.' | 'trusted.overlay.' {
    return this.#system.identity.rootless ? 'user.overlay.' : 'trusted.overlay.';
  }

  status(): Readonly<Record<string, string>> {
    this.#ready();
    return {
      'Backing Filesystem': fileSystemName(statfsSync(this.#layout.home).type),
      'Native Overlay Diff': 'false',
      driverReason: this.#reason,
    };
  }

  async create(key: string, parent: string | undefined): Promise<{ readonly diffDirectory: string }> {
    this.#ready();
    return { diffDirectory: await withErrnos('create', key, () => this.#creation.begin(key, parent, nothing.link)) };
  }

  commit(key: string): Promise<void> {
    return withErrnos('commit', key, () =>
      this.#creation.commit(key, async (draft) => {
        try {
          await this.#makeWhole(key, draft.parent);
          await this.#creation.syncData(this.#layout.diff(key));
          return { ...draft, ...nothing };
        } catch (error) {
          // Half applied it is no longer what the layer said: it can only be filled anew.
          rmSync(`${this.#layout.directory(key)}/creating`, { force: true });
          throw error;
        }
      }),
    );
  }

  createWritable(key: string, parent: string | undefined, mapping?: IdMapping): Promise<void> {
    this.#ready();
    return withErrnos('create', key, async () => {
      const staging = this.#creation.stage(key, parent);
      const { directory } = staging;
      try {
        mkdirSync(directory, { mode: 0o700 });
        if (parent === undefined) {
          mkdirSync(`${directory}/diff`);
          chmodSync(`${directory}/diff`, 0o755);
        } else await this.#copy(parent, `${directory}/diff`);
        this.#creation.publish(staging, { ...nothing, ...(mapping ? { mapping } : {}) });
      } catch (error) {
        this.#creation.abandon(staging, nothing.link);
        throw error;
      }
    });
  }

  mappedMounts(): MappedMountSupport {
    this.#ready();
    return probeMappedMounts(this.#layout.home, this.#system);
  }

  ensureMappedCopy(parent: string, source: string, mapping: IdMapping, options: MappedCopyOptions): Promise<string> {
    return withErrnos('copy', parent, () => this.#copies.ensure(parent, source, mapping, options));
  }

  removeMappedCopies(parent: string): Promise<void> {
    return withErrnos('remove', parent, () => this.#copies.removeOf(parent));
  }

  /** Each layer is a whole copy: of one that is elsewhere nothing would be saved. */
  borrow(): boolean {
    return false;
  }

  isBorrowed(): boolean {
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
      replaceFiles({ layout: this.#layout, files, isMounted: (one) => this.isMounted(one), makeLink: () => nothing.link }, key, from);
      await this.remove(from);
    });
  }

  has(key: string): boolean {
    return existsSync(this.#layout.directory(key));
  }

  /** A bind mount: the same rules as for any other driver, and a layer that cannot be written to. */
  mount(key: string, options: { readonly readOnly?: boolean } = {}): string {
    const record = this.#committed(key);
    const merged = this.#layout.mountPoint(key);
    if (this.#mountPoints.prepare(key)) return merged;
    const { mounts } = this.#system;
    if (record.mapping === undefined) mounts.mount(this.#layout.diff(key), merged, '', ['bind']);
    else mountMappedAt(this.#layout.diff(key), merged, withOurRoot(record.mapping), this.#system);
    if (record.writable && options.readOnly !== true) return merged;
    try {
      mounts.mount('', merged, '', ['bind', 'remount', 'readonly', ...this.#keptFlags(merged)]);
    } catch (error) {
      this.#mountPoints.unmount(key);
      throw error;
    }
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
    const { parent, mappedBy } = this.#committed(key);
    const owners = mappedBy ?? (parent === undefined ? undefined : this.#layout.committed(parent)?.mappedBy);
    return { kind: 'trees', owners, before: parent === undefined ? undefined : this.#layout.diff(parent), after: this.#layout.diff(key) };
  }

  diffBytes(key: string): Promise<number> {
    return withErrnos('measure', key, () => {
      const { parent } = this.#committed(key);
      return changedBytes(parent === undefined ? undefined : this.#layout.diff(parent), this.#layout.diff(key));
    });
  }

  async remove(key: string): Promise<void> {
    this.#mountPoints.refuseMounted(key);
    await withErrnos('remove', key, () => this.#creation.remove(key));
    this.#mountPoints.clear(key);
  }

  list(): SnapshotEntry[] {
    return listSnapshots(this.#layout);
  }

  /** As Podman: nothing. */
  describe(key: string): Readonly<Record<string, string>> {
    this.#committed(key);
    return {};
  }

  sweep(): Promise<readonly string[]> {
    return this.#removal.sweep();
  }

  findProblems(): readonly SnapshotProblem[] {
    return [];
  }

  /** The layer's changes, applied to a copy of its parent's tree, take the place of the changes. */
  async #makeWhole(key: string, parent: string | undefined): Promise<void> {
    const application = new ChangeApplication(this.#system.attributes);
    const diff = this.#layout.diff(key);
    if (parent === undefined) {
      await application.strip(rawPath(diff));
      return;
    }
    const whole = `${this.#layout.directory(key)}/whole`;
    await this.#copy(parent, whole);
    await application.apply(rawPath(diff), rawPath(whole));
    renameSync(whole, diff);
  }

  async #copy(parent: string, target: string): Promise<void> {
    try {
      await copyTree(this.#layout.diff(parent), target, this.#system.processes);
    } catch (error) {
      // Removed while it was read.
      throw this.#layout.isCommitted(parent) ? error : notFound(parent);
    }
  }

  /** In a user namespace a mount may not lose what the one below it forbids. */
  #keptFlags(path: string): MountFlag[] {
    const options = this.#system.mounts.list().findLast(({ mountPoint }) => mountPoint === path)?.options ?? [];
    return (['nosuid', 'nodev', 'noexec'] as const).filter((flag) => options.includes(flag));
  }

  #ready(): void {
    if (this.#isReady) return;
    // Closed to other users, as overlay's.
    for (const directory of [this.#layout.home, this.#layout.trash]) this.#system.files.ensureDirectory(directory, 0o700);
    this.#isReady = true;
  }

  #committed(key: string): SnapshotRecord {
    const record = this.#layout.committed(key);
    if (!record) throw notFound(key);
    return record;
  }
}
