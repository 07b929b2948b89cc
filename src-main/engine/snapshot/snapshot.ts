/**
 * Directory trees made of layers: what containers/storage calls a graph driver.
 *
 * Terms. A *snapshot* is a tree with at most one parent, named by a key: the chain id of a layer (read-only) or a
 * container's id (writable). Its *diff directory* holds only what differs from the parent, with whiteouts in the driver's own form.
 *
 * Laws
 * - `create` makes a folder that nothing refers to until `commit`; a crash in between leaves garbage that `list` shows with `committed: false`.
 * - A snapshot with children is never removed.
 * - `mount` is idempotent; mount points are in the run root, so a reboot forgets them.
 * It does not know images, tar or the database.
 */
export interface SnapshotEntry {
  readonly key: string;
  readonly parent: string | undefined;
  readonly committed: boolean;
  /** It is committed, but its record cannot be read or its diff directory is gone: it can only be removed. */
  readonly damaged?: true;
}

export interface SnapshotStore {
  readonly driver: 'overlay';
  /** How whiteouts of a layer are written into a diff directory. */
  readonly whiteoutForm: 'overlay-char-device';
  /** 'user.overlay.' with userxattr, 'trusted.overlay.' otherwise. */
  readonly xattrPrefix: 'user.overlay.' | 'trusted.overlay.';
  /** For `info`: Backing Filesystem, Native Overlay Diff, userxattr … */
  status(): Readonly<Record<string, string>>;
  /** Answers the diff directory to fill. `already-exists` when the key is committed; an uncommitted leftover is replaced. */
  create(key: string, parent: string | undefined): Promise<{ readonly diffDirectory: string }>;
  /** Makes it visible, durably. */
  commit(key: string): Promise<void>;
  /** A writable snapshot over a committed parent, committed at once. Synchronous file system calls only: it is on the hot path of `run`. */
  createWritable(key: string, parent: string | undefined): void;
  /** Whether it is committed. */
  exists(key: string): boolean;
  /** Whether there is anything under this key, be it only what a death left. */
  has(key: string): boolean;
  /** Answers the merged directory. Synchronous: on the hot path. */
  mount(key: string, options?: { readonly readOnly?: boolean }): string;
  unmount(key: string): void;
  isMounted(key: string): boolean;
  mountPoint(key: string): string;
  diffDirectory(key: string): string;
  /** Bytes allocated in the diff directory. */
  diffBytes(key: string): Promise<number>;
  /** `in-use` while mounted or a parent of another. Renames away first, so that a half-removed snapshot is never seen. */
  remove(key: string): Promise<void>;
  list(): SnapshotEntry[];
  /** UpperDir, LowerDir, WorkDir, MergedDir: what `inspect` shows. */
  describe(key: string): Readonly<Record<string, string>>;
  /** Deletes what an interrupted create or remove left; answers what it deleted. Only under the store-wide lock. */
  sweep(): Promise<readonly string[]>;
}

export { openSnapshotStore } from './open-snapshot-store.ts';
export type { OpenSnapshotStoreOptions } from './open-snapshot-store.ts';
