/** What another container engine has on this machine, and how it comes here. */
import * as v from 'valibot';
import { transferProgress } from './image.ts';
import { imageId, nameOrId } from './ids.ts';

const foreignStore = {
  from: v.picklist(['podman', 'docker']),
  /** Absolute; default: where that program keeps its data for this user. */
  root: v.optional(v.pipe(v.string(), v.startsWith('/', 'an absolute path is needed'))),
};

export const importRequest = v.strictObject({
  ...foreignStore,
  images: v.optional(v.boolean(), true),
  /** Podman's only. */
  volumes: v.optional(v.boolean(), true),
  /** Only these: names or ids of images, names of volumes. Without any, all images that have a name, and all volumes. */
  names: v.optional(v.array(nameOrId), []),
});
export type ImportRequest = v.InferOutput<typeof importRequest>;

export const importPlan = v.strictObject({
  from: foreignStore.from,
  root: v.string(),
  images: v.array(
    v.strictObject({
      /** As the other store has it; of an image that can be adopted it is the id here, too. */
      id: v.string(),
      names: v.array(v.string()),
      layers: v.number(),
      /** Of the tars of all its layers. */
      sizeBytes: v.number(),
      action: v.picklist(['copy', 'present', 'skip']),
      /** Of `skip`: why; of others: what is left out. */
      reason: v.string(),
    }),
  ),
  volumes: v.array(v.strictObject({ name: v.string(), sizeBytes: v.number(), action: v.picklist(['copy', 'skip']), reason: v.string() })),
  /** Layers that several images have are counted once, those that are here not at all; of volumes, blocks on the disk. */
  copyBytes: v.number(),
});
export type ImportPlan = v.InferOutput<typeof importPlan>;

/** What a plan named. */
export const importOrder = v.strictObject({ ...foreignStore, images: v.array(v.string()), volumes: v.array(v.string()) });
export type ImportOrder = v.InferOutput<typeof importOrder>;

const importDone = v.variant('kind', [
  v.strictObject({ kind: v.literal('image'), id: imageId, names: v.array(v.string()), wasPresent: v.boolean() }),
  v.strictObject({ kind: v.literal('volume'), name: v.string() }),
  /** That one; the others are done all the same. */
  v.strictObject({ kind: v.literal('failed'), object: v.string(), code: v.string(), message: v.string(), fix: v.string() }),
]);
export type ImportDone = v.InferOutput<typeof importDone>;

export const importItem = v.union([v.strictObject({ kind: v.literal('progress'), progress: transferProgress }), importDone]);
export type ImportItem = v.InferOutput<typeof importItem>;
