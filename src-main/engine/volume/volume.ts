/** Named and anonymous volumes: a folder each under GRAPHROOT/volumes/NAME/_data. */
import type { VolumeRecord } from '../state/state.ts';

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
  /** First use: copies what the image has at that path into an empty volume, with owners and modes (Podman's copy-up). */
  populate(name: string, imageDirectory: string): Promise<void>;
}
