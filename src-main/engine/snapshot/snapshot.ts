/**
 * Directory trees made of layers: what containers/storage calls a graph driver.
 *
 * Terms. A *snapshot* is a tree with at most one parent, named by a key: the chain id of a layer (read-only) or a
 * container's id (writable). The *diff directory* is what a layer is unpacked into: only what differs from the parent, with whiteouts in the
 * store's own form. Drivers: *overlay* keeps it so and lays the diff directories over each other at each mount, by the kernel or by a *mount
 * program* (fuse-overlayfs); *vfs* makes it a whole tree at the commit: a copy of the parent's with the changes applied.
 *
 * Laws
 * - A store has one driver for ever, remembered in the graph root; which program mounts overlay's trees may change with each mount.
 * - After its commit a layer's diff directory shows every file that the layer has, under its own path, with either driver.
 * - `create` makes a folder that nothing refers to until `commit`; a crash in between leaves garbage that `list` shows with `committed: false`.
 * - A snapshot with children is never removed.
 * - A *mapped* container sees its image with the ids of its own user namespace. Where the kernel can, that is done at the mount, and what is on the
 *   disk has the image's ids; else its snapshot lies on a *mapped copy* of the layer, made once for each layer and map, that goes with the layer.
 * - `mount` is idempotent; mount points are in the run root, so a reboot forgets them.
 * It does not know images, tar or the database.
 */
import type { System } from '../../system/system.ts';
import type { IdMapping } from './id-mapping.ts';
import type { MappedMountSupport } from './mapped-mounts.ts';

export interface SnapshotEntry {
  readonly key: string;
  readonly parent: string | undefined;
  readonly committed: boolean;
  /** It is committed, but its record cannot be read or its diff directory is gone: it can only be removed. */
  readonly damaged?: true;
}

/** What the store cannot put right by itself, in words. */
export interface SnapshotProblem {
  readonly kind: 'leaked-process';
  readonly object: string;
  readonly message: string;
}

export type SnapshotSystem = Pick<System, 'attributes' | 'files' | 'identity' | 'locks' | 'mounts' | 'namespaces' | 'processes'>;

/** Podman's names. */
export type SnapshotDriver = 'overlay' | 'vfs';

/**
 * How whiteouts are written into a diff directory.
 * - `overlay-char-device`: a character device 0:0 in place of what is hidden, `<xattrPrefix>opaque` on a directory that hides all below it
 * - `file`: as in the archive: `.wh.NAME` beside what the layer itself has, `.wh..wh..opq` in the directory. The commit takes them away.
 */
export type WhiteoutForm = 'overlay-char-device' | 'file';

/** In what form the changes of a snapshot against its parent are there. */
export type SnapshotChanges = {
  /** How to read the owners of what is there, if they are not the image's. */
  readonly owners: IdMapping | undefined;
} & (
  | {
      readonly kind: 'upper';
      /** Only what differs: whiteouts are character devices 0:0. */
      readonly upper: string;
      /** The diff directories below it, from the top down. */
      readonly lower: readonly string[];
      /** A directory with one of these, of value `y`, hides what the lower ones have in it. */
      readonly opaqueAttributes: readonly string[];
      /** Names in the upper that are the mount program's own marks and none of the container's files. */
      readonly markFiles: readonly string[];
    }
  | {
      readonly kind: 'trees';
      /** Undefined without a parent. */
      readonly before: string | undefined;
      readonly after: string;
    }
);

export interface MappedCopyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many files have their new owner. */
  readonly onProgress?: ((entries: number) => void) | undefined;
}

export interface SnapshotStore {
  readonly driver: SnapshotDriver;
  readonly whiteoutForm: WhiteoutForm;
  /** Graph roots of the additional image stores that were asked for, as far as this driver can use them. */
  readonly imageStores: readonly string[];
  /** One line for each that it cannot use. */
  readonly imageStoreWarnings: readonly string[];
  /** 'user.overlay.' with userxattr, 'trusted.overlay.' otherwise: attributes with it are the store's marks and never a file's own. */
  readonly xattrPrefix: 'user.overlay.' | 'trusted.overlay.';
  /** For `info`: Backing Filesystem, Native Overlay Diff, userxattr … */
  status(): Readonly<Record<string, string>>;
  /** Answers the diff directory to fill. `already-exists` when the key is committed; an uncommitted leftover is replaced. */
  create(key: string, parent: string | undefined): Promise<{ readonly diffDirectory: string }>;
  /** Makes it visible, durably. */
  commit(key: string): Promise<void>;
  /** A writable snapshot over a committed parent, committed at once. On the hot path of `run`: overlay's is done when this returns; vfs copies. */
  createWritable(key: string, parent: string | undefined, mapping?: IdMapping): Promise<void> | undefined;
  /** Whether mounts here can translate owners, and why (not). Looked at once; without it `createWritable` takes no mapping, but a mapped copy as the parent. */
  mappedMounts(): MappedMountSupport;
  /**
   * Answers the key of the copy of a committed layer, the files of which have the owners that the mapping makes of them; it is made when it is not there.
   * @param source where the whole tree of the layer can be read
   */
  ensureMappedCopy(parent: string, source: string, mapping: IdMapping, options: MappedCopyOptions): Promise<string>;
  /** Those of a layer. `in-use` when a container lies on one. */
  removeMappedCopies(parent: string): Promise<void>;
  /**
   * Makes a committed layer's snapshot, the files of which stay in the store of the same driver with that graph root, where nothing is changed; atomic, and
   * synchronous. False when it cannot be had: not whole there, or this driver cannot. Then nothing is changed.
   */
  borrow(key: string, parent: string | undefined, graphRoot: string): boolean;
  /** Whether files of it, or of what lies below it, are in another store. */
  isBorrowed(key: string): boolean;
  /** Whether it is committed. */
  exists(key: string): boolean;
  /** Whether it is committed, its record can be read, and its files are there. What they hold is not looked at. */
  isIntact(key: string): boolean;
  /**
   * Puts the files of the committed `from` in the place of those of `key`, damaged or gone, and removes `from`; what lies on `key` lies on the new
   * ones then. `in-use` while something that lies on it is mounted.
   */
  replace(key: string, from: string): Promise<void>;
  /** Whether there is anything under this key, be it only what a death left. */
  has(key: string): boolean;
  /** Answers the merged directory. Synchronous: on the hot path. */
  mount(key: string, options?: { readonly readOnly?: boolean }): string;
  unmount(key: string): void;
  isMounted(key: string): boolean;
  mountPoint(key: string): string;
  diffDirectory(key: string): string;
  /** For `diff` and `commit`; of a committed snapshot, mounted or not. Looks at no file of the tree. */
  changes(key: string): SnapshotChanges;
  /** Bytes allocated for what differs from the parent. */
  diffBytes(key: string): Promise<number>;
  /** `in-use` while mounted or a parent of another. Renames away first, so that a half-removed snapshot is never seen. */
  remove(key: string): Promise<void>;
  list(): SnapshotEntry[];
  /** UpperDir, LowerDir, WorkDir, MergedDir: what `inspect` shows. */
  describe(key: string): Readonly<Record<string, string>>;
  /** Deletes what an interrupted create or remove left; answers what it deleted. Only under the store-wide lock. */
  sweep(): Promise<readonly string[]>;
  /** Looks only. Not what a sweep deletes, nor mounts: who uses the store knows which of them it needs. */
  findProblems(): readonly SnapshotProblem[];
}

export type { IdMapping } from './id-mapping.ts';
export { toContainer, toHost } from './id-mapping.ts';
export { unbound } from './mapped-copy.ts';
export { openSnapshotStore } from './open-snapshot-store.ts';
export type { OpenSnapshotStoreOptions } from './open-snapshot-store.ts';
