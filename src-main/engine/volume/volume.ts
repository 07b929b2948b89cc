/**
 * Named and anonymous volumes: a folder each under GRAPHROOT/volumes/NAME with the data in `_data`.
 *
 * Laws
 * - A name is checked before it becomes part of a path.
 * - Data is deleted only by `remove`, which first moves the folder aside: what a crash leaves is a folder that no name leads to, and the next
 *   removal takes it along. A folder without a record (a lost database) is adopted with what is in it, never emptied.
 * - Copy-up never overwrites and never follows a symlink; interrupted, it goes on where it stopped.
 */
import type { VolumeRecord } from '../state/state.ts';

export { createVolumeStore, type VolumeStoreOptions } from './create-volume-store.ts';

export interface VolumeStore {
  path(name: string): string;
  find(name: string): VolumeRecord | undefined;
  list(): VolumeRecord[];
  /** Idempotent by name; an empty name makes an anonymous one with a 64-digit name. */
  ensure(
    name: string,
    options?: { readonly labels?: Readonly<Record<string, string>>; readonly anonymous?: boolean },
  ): Promise<VolumeRecord>;
  /** `already-exists` when it is there. */
  create(name: string, labels: Readonly<Record<string, string>>): Promise<VolumeRecord>;
  /** `in-use` with the containers. */
  remove(name: string): Promise<void>;
  /**
   * First use: copies what the image has at that path into an empty volume, with owners, modes, times and attributes (Podman's copy-up). Nothing there, or not a
   * folder: no error. With `pathInImage` the first is the image's mounted root and the path is resolved inside it, as a container would: an image
   * may have symlinks on the way that lead anywhere.
   */
  populate(name: string, imageDirectory: string, pathInImage?: string): Promise<void>;
}
