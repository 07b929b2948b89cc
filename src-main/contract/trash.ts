import * as v from 'valibot';
import { call } from '../rpc/define.ts';
import { containerId, imageId, timestampMs } from './ids.ts';

const kind = v.picklist(['container', 'image', 'volume']);

export const trashItem = v.strictObject({
  id: v.string(),
  kind,
  /** Id of the container or image, name of the volume. */
  object: v.string(),
  /** Names of an image; a container's and a volume's one name. */
  names: v.array(v.string()),
  /** Of a container. */
  image: v.optional(v.string()),
  removedAt: timestampMs,
  /** Kept until then, unless the trash becomes too large. */
  expiresAt: timestampMs,
  /** What deleting it alone would free. */
  sizeBytes: v.number(),
});
export type TrashItem = v.InferOutput<typeof trashItem>;

const restoredObject = v.strictObject({
  kind,
  object: v.string(),
  /** What it is called now. */
  names: v.array(v.string()),
  /** Names that it had, and that something else has meanwhile. */
  takenNames: v.array(v.string()),
});
export type RestoredObject = v.InferOutput<typeof restoredObject>;

export const trashRoutes = {
  list: call({
    input: v.strictObject({}),
    output: v.strictObject({
      items: v.array(trashItem),
      /** All of them together: what several share counts once. */
      totalBytes: v.number(),
      keepDays: v.number(),
      maximumBytes: v.number(),
    }),
  }),
  /** By the entry's id, or by name or id of what was removed. */
  restore: call({ input: v.strictObject({ entry: v.string(), name: v.optional(v.string()) }), output: restoredObject }),
  /** Deletes for good; without entries all. */
  empty: call({
    input: v.strictObject({ entries: v.optional(v.array(v.string()), []) }),
    output: v.strictObject({ discarded: v.array(v.string()), freedBytes: v.number() }),
  }),
};

const plannedContainer = v.strictObject({
  id: containerId,
  name: v.string(),
  image: v.string(),
  state: v.string(),
  sizeBytes: v.number(),
  lastUsedAt: timestampMs,
});

const plannedVolume = v.strictObject({
  name: v.string(),
  sizeBytes: v.number(),
  lastUsedAt: timestampMs,
  /** Containers of this plan that mount it. */
  usedBy: v.array(v.string()),
});

const plannedImage = v.strictObject({
  id: imageId,
  names: v.array(v.string()),
  /** Of its layers that no other image or container needs. */
  uniqueBytes: v.number(),
  lastUsedAt: timestampMs,
  /** Containers of this plan that were made from it. */
  usedBy: v.array(v.string()),
});

export const prunePlan = v.strictObject({
  containers: v.array(plannedContainer),
  volumes: v.array(plannedVolume),
  images: v.array(plannedImage),
  /** What all of it frees: layers counted once. */
  totalBytes: v.number(),
  /** What would have been taken, had nobody referred to it. */
  kept: v.array(v.strictObject({ kind, object: v.string(), name: v.string(), usedBy: v.array(v.string()) })),
});
export type PrunePlan = v.InferOutput<typeof prunePlan>;

export const pruneRequest = v.strictObject({
  containers: v.optional(v.boolean(), false),
  volumes: v.optional(v.boolean(), false),
  /** `dangling`: without a name; `unused`: all that no container was made from. */
  images: v.optional(v.picklist(['none', 'dangling', 'unused']), 'none'),
  /** Only what was made before. */
  untilMs: v.optional(timestampMs),
  /** `key` or `key=value`; all have to hold. */
  labels: v.optional(v.array(v.string()), []),
  /** None may hold. */
  notLabels: v.optional(v.array(v.string()), []),
});
export type PruneRequest = v.InferOutput<typeof pruneRequest>;

export const pruneOrder = v.strictObject({
  containers: v.array(containerId),
  volumes: v.array(v.string()),
  /** With the names that the plan knew: one that is called otherwise meanwhile stays. */
  images: v.array(v.strictObject({ id: imageId, names: v.array(v.string()) })),
  /** Keep them for a while instead of deleting them. */
  trash: v.optional(v.boolean(), true),
});
export type PruneOrder = v.InferOutput<typeof pruneOrder>;

export const pruneDone = v.strictObject({
  containers: v.array(v.string()),
  volumes: v.array(v.string()),
  images: v.array(v.string()),
  reclaimedBytes: v.number(),
  /** What was in the plan and was not taken: something refers to it meanwhile, or it could not be removed. */
  skipped: v.array(v.strictObject({ object: v.string(), message: v.string() })),
});
export type PruneDone = v.InferOutput<typeof pruneDone>;
