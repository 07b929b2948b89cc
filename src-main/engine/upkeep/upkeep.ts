/**
 * Looking after the whole store: what is not whole is repaired by a plan, and all of it is taken away when somebody wants that.
 *
 * Laws
 * - A repair removes only what nobody refers to: no image, container or volume, be it in the trash. What is damaged and needed is named, with the
 *   command that heals it, and left.
 * - Nothing is done that the plan did not name, and each is looked at once more before it is done.
 * - A reset takes away what engines make in graph root and run root, by name; what else lies there is left and told.
 * Host problems (missing tools, kernel settings) are the host room's.
 */
import type { RepairPlan, RepairDone } from '../../contract/system.ts';

export { createUpkeep, type UpkeepOptions } from './create-upkeep.ts';

export interface RepairSearch {
  /** Also reads every layer, at the speed of the disk: what was damaged without anybody's doing is found only so. */
  readonly contents?: boolean | undefined;
  readonly signal?: AbortSignal;
}

export interface Upkeep {
  /** Changes nothing; layers that are found to be damaged are known to be from then on. */
  planRepair(search?: RepairSearch): Promise<RepairPlan>;
  repair(actions: readonly { readonly kind: string; readonly object: string }[]): Promise<RepairDone>;
  /** `in-use` while another engine lives. Answers what it left, because it is not ours. */
  reset(): Promise<{ readonly left: string[] }>;
}
