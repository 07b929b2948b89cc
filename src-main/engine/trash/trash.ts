/**
 * The trash: what was removed and can still be brought back; and what is removed in bulk (`prune`), by a plan that is shown first.
 *
 * Terms. An *entry* is the record of a container, an image or a volume as it was, with the moment of its removal. To *restore* is to make it be there
 * again; to *discard* is to delete it for good. A *plan* names objects by id with what they take and who refers to them.
 *
 * Laws
 * - Putting something into the trash copies and deletes nothing: a volume's folder goes to GRAPHROOT/trash/ID by one rename; layers, a container's
 *   snapshot and its log stay where they are, and the entry refers to them as the record did. Names are free at once.
 * - What an entry refers to is needed: no removal, repair or clean-up of another room takes it away.
 * - Restoring never overwrites: of an image, names that are taken meanwhile stay where they are and are told; a container or a volume whose name is taken
 *   needs another one.
 * - What is older than the settings allow, or too much for the disk, is discarded by the janitor: a long-lived engine now and then, or the
 *   clean-up program; nobody waits for it. Only an operation that finds the disk full empties the trash itself, says so, and tries again.
 * - A prune takes exactly what its plan named, each only if nothing refers to it by then; what it left is told with the reason.
 * Settings are in selkie.conf, see config/trash-settings.ts. It keeps no copy of what it refers to, and does not outlive the store.
 */
import type { RestoredObject, TrashItem } from '../../contract/trash.ts';

export { createTrash, type TrashOptions } from './create-trash.ts';
export { allocatedBytes } from './measure.ts';
export { pruneByPlan } from './prune.ts';
export { planPrune } from './prune-plan.ts';
export { withTrashRelief } from './relief.ts';
export type { PruneRoom } from './prune-plan.ts';

export interface Trash {
  /** The newest first, each with what discarding it alone would free. */
  list(): Promise<TrashItem[]>;
  /** Bytes of all entries together. */
  usage(): Promise<{ readonly entries: number; readonly bytes: number }>;
  /** As selkie.conf has them now. */
  limits(): { readonly keepDays: number; readonly maximumBytes: number };
  /** By an entry's id or its beginning, or by name or id of the object: of several with one name the newest. `not-found`, `ambiguous`. */
  restore(text: string, name: string | undefined): Promise<RestoredObject>;
  /** Deletes these for good; without any, all. */
  empty(texts: readonly string[]): Promise<{ readonly discarded: string[]; readonly freedBytes: number }>;
  /** Discards what is too old or too much, the oldest first; says what it did. One at a time over all engines. */
  tidy(): Promise<readonly string[]>;
  /** In an engine that lives long: tidies now and then, while nobody waits. */
  keep(): AsyncDisposable;
  /** Something was put in: has the clean-up program look after it, if nobody has done so for a while. */
  noteRemoval(): void;
  /** What engines left that died while they put something in, restored or discarded it; says what it did. */
  recover(): Promise<readonly string[]>;
}
