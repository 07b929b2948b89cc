/**
 * Named and anonymous volumes: a folder each under GRAPHROOT/volumes/NAME with the data in `_data`.
 *
 * Laws
 * - A name is checked before it becomes part of a path.
 * - Data is deleted only by `remove` and `discard`, after the folder was moved aside: what a crash leaves is a folder that no name leads to, and the
 *   next removal takes it along. A folder without a record (a lost database, a removal cut short) is adopted with what is in it, never emptied.
 * - Into the trash and out of it a volume goes by one rename, and its record by one transaction; which comes first is such that between the two the
 *   data is where either a record or the trash finds it, and the journal says which of them to believe.
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
  /**
   * A new volume with a copy of what is in that folder: owners, modes, times, attributes, links, holes. Visible when all of it is there.
   * `already-exists` when the name is taken, also by a folder without a record.
   */
  adopt(name: string, source: string, signal?: AbortSignal): Promise<VolumeRecord>;
  /** `already-exists` when it is there. */
  create(name: string, labels: Readonly<Record<string, string>>): Promise<VolumeRecord>;
  /** `in-use` with the containers. `trash`: keep it for a while instead of deleting it. */
  remove(name: string, options?: { readonly trash?: boolean }): Promise<void>;
  /** Out of the trash, under its name or another. `already-exists` when that is taken. */
  restore(trashId: string, name?: string): Promise<VolumeRecord>;
  /** Deletes for good what the trash has of a volume. */
  discard(trashId: string): Promise<void>;
  /** Where the trash keeps its data. */
  trashPath(trashId: string): string;
  /** Finishes removals and restorations, and takes back adoptions, whose process died; says what it did. */
  recover(): Promise<readonly string[]>;
  /**
   * First use: copies what the image has at that path into an empty volume, with owners, modes, times and attributes (Podman's copy-up). Nothing there, or not a
   * folder: no error. With `pathInImage` the first is the image's mounted root and the path is resolved inside it, as a container would: an image
   * may have symlinks on the way that lead anywhere.
   */
  populate(name: string, imageDirectory: string, pathInImage?: string): Promise<void>;
}
