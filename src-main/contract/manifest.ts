/** Lists of images for several platforms: manifest lists, OCI indexes. They are among the images too: named, shown and removed as they are. */
import * as v from 'valibot';
import { call, stream } from '../rpc/define.ts';
import { digest, imageId, nameOrId } from './ids.ts';
import { transferProgress } from './image.ts';

/** How a registry is spoken to. */
const access = {
  tlsVerify: v.optional(v.boolean()),
  /** user:password, for this call alone; never stored or logged. */
  credentials: v.optional(v.string()),
  authFile: v.optional(v.string()),
  certDirectory: v.optional(v.string()),
};

const annotations = v.record(v.pipe(v.string(), v.nonEmpty()), v.string());

/** What is said of an image in a list, where it is not what the image says of itself. */
const platformChanges = {
  architecture: v.optional(v.string()),
  os: v.optional(v.string()),
  variant: v.optional(v.string()),
  osVersion: v.optional(v.string()),
  osFeatures: v.optional(v.array(v.string())),
  features: v.optional(v.array(v.string())),
};

export const manifestInstance = v.strictObject({
  digest,
  sizeBytes: v.number(),
  mediaType: v.string(),
  architecture: v.string(),
  os: v.string(),
  variant: v.string(),
  osVersion: v.string(),
  osFeatures: v.array(v.string()),
  features: v.array(v.string()),
  annotations: v.record(v.string(), v.string()),
  /** In this store; the list keeps what it needs. */
  image: v.optional(imageId),
  /** registry/repository@digest, where it was found and will be copied from. */
  source: v.optional(v.string()),
});
export type ManifestInstance = v.InferOutput<typeof manifestInstance>;

export const manifestDetail = v.variant('kind', [
  v.strictObject({
    kind: v.literal('local'),
    id: imageId,
    names: v.array(v.string()),
    /** Of the index as it would be pushed now, were all its images there as they are here. */
    digest,
    annotations: v.record(v.string(), v.string()),
    instances: v.array(manifestInstance),
  }),
  /** Not in the store: the document as the registry has it. `list` is false when that is an image alone. */
  v.strictObject({ kind: v.literal('remote'), digest, document: v.string(), list: v.boolean() }),
]);
export type ManifestDetail = v.InferOutput<typeof manifestDetail>;

const changed = v.strictObject({ id: imageId });

/** Images: names and ids of this store, or with a transport (docker://, containers-storage:, oci:, oci-archive:, docker-archive:, dir:). */
export const manifestRoutes = {
  create: call({
    input: v.strictObject({
      list: nameOrId,
      images: v.optional(v.array(nameOrId), []),
      /** Of an image that is itself a list all that it names; else the one for this machine. */
      all: v.optional(v.boolean(), false),
      amend: v.optional(v.boolean(), false),
      /** Of the index. */
      annotations: v.optional(annotations, {}),
      workingDirectory: v.optional(v.string()),
      ...access,
    }),
    output: changed,
  }),
  add: call({
    input: v.strictObject({
      list: nameOrId,
      images: v.pipe(v.array(nameOrId), v.nonEmpty()),
      all: v.optional(v.boolean(), false),
      annotations: v.optional(annotations, {}),
      workingDirectory: v.optional(v.string()),
      ...platformChanges,
      ...access,
    }),
    output: changed,
  }),
  /** Of one image in it, by its digest there or by a name or id in this store; without one of the index, which has annotations only. */
  annotate: call({
    input: v.strictObject({ list: nameOrId, instance: v.optional(nameOrId), annotations: v.optional(annotations, {}), ...platformChanges }),
    output: changed,
  }),
  inspect: call({ input: v.strictObject({ list: nameOrId, ...access }), output: manifestDetail }),
  /** `invalid-argument` for an image that is no list. */
  exists: call({ input: v.strictObject({ list: nameOrId }), output: v.boolean() }),
  /** One image out of the list. */
  remove: call({ input: v.strictObject({ list: nameOrId, instance: nameOrId }), output: changed }),
  /** The list itself; its images stay. */
  delete: call({
    input: v.strictObject({ list: nameOrId, trash: v.optional(v.boolean(), true) }),
    output: v.strictObject({ untagged: v.array(v.string()), deleted: v.array(imageId) }),
  }),
  /** To a registry: [docker://]host/path[:tag]; without a destination to where its name says. */
  push: stream({
    input: v.strictObject({
      list: nameOrId,
      destination: v.optional(v.string()),
      /** With the images that it names. */
      all: v.optional(v.boolean(), true),
      format: v.optional(v.picklist(['oci', 'v2s2'])),
      compressionFormat: v.optional(v.picklist(['gzip', 'zstd'])),
      compressionLevel: v.optional(v.number()),
      ...access,
    }),
    item: v.variant('kind', [
      v.strictObject({ kind: v.literal('progress'), progress: transferProgress }),
      /** `digest`: of the index there. */
      v.strictObject({ kind: v.literal('pushed'), id: imageId, name: v.string(), digest }),
    ]),
  }),
};
