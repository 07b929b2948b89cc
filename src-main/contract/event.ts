import * as v from 'valibot';
import { stream } from '../rpc/define.ts';
import { timestampMs } from './ids.ts';

export const engineEvent = v.strictObject({
  /** Grows by one with every event of a store, whichever engine caused it. */
  sequence: v.number(),
  timestampMs,
  type: v.picklist(['container', 'image', 'volume', 'system']),
  /** Podman's words: create, init, start, attach, exec, exec_died, kill, stop, died, cleanup, restart, remove, rename; pull, loadfromarchive, tag, untag, remove …; and `restore` and `discard`, of what was in the trash. */
  status: v.string(),
  /** Id of the object; a volume's name. */
  id: v.string(),
  name: v.string(),
  /** Of a container. */
  image: v.optional(v.string()),
  /** Of `died` and `exec_died`. */
  exitCode: v.optional(v.number()),
  attributes: v.record(v.string(), v.string()),
});
export type EngineEvent = v.InferOutput<typeof engineEvent>;

export const eventRoutes = {
  /** Events after `afterSequence` (default: from now on), then, with `follow`, each as it happens in any engine. */
  watch: stream({
    input: v.strictObject({ afterSequence: v.optional(v.number()), follow: v.optional(v.boolean(), true) }),
    item: engineEvent,
  }),
};
