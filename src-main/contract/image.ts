import * as v from 'valibot';
import { call, duplex, stream } from '../rpc/define.ts';
import { digest, imageId, nameOrId, timestampMs } from './ids.ts';

export const imageSummary = v.strictObject({
  id: imageId,
  /** Fully normalised tags: docker.io/library/alpine:latest. */
  names: v.array(v.string()),
  /** repository@digest of what was pulled. */
  repoDigests: v.array(v.string()),
  /** Of the manifest. */
  digest: v.optional(digest),
  createdAt: timestampMs,
  /** Bytes of all its layers, unpacked. */
  sizeBytes: v.number(),
  labels: v.record(v.string(), v.string()),
  /** Number of containers made from it. */
  containers: v.number(),
  architecture: v.string(),
  os: v.string(),
  /** No tag and no child. */
  dangling: v.boolean(),
  /** It is in an additional image store, of which nothing is changed; set only on those. One of the same id may be in this store, too. */
  readOnly: v.optional(v.literal(true)),
  /** A list of images for several platforms, see manifest.ts; set only on those. */
  manifestList: v.optional(v.literal(true)),
});
export type ImageSummary = v.InferOutput<typeof imageSummary>;

export const imageConfig = v.strictObject({
  user: v.string(),
  exposedPorts: v.array(v.string()),
  environment: v.array(v.string()),
  entrypoint: v.array(v.string()),
  command: v.array(v.string()),
  volumes: v.array(v.string()),
  workingDirectory: v.string(),
  labels: v.record(v.string(), v.string()),
  stopSignal: v.string(),
});
export type ImageConfig = v.InferOutput<typeof imageConfig>;

export const imageDetail = v.strictObject({
  ...imageSummary.entries,
  config: imageConfig,
  author: v.string(),
  comment: v.string(),
  variant: v.string(),
  mediaType: v.string(),
  history: v.array(
    v.strictObject({ createdAt: v.optional(timestampMs), createdBy: v.string(), comment: v.string(), emptyLayer: v.boolean() }),
  ),
  /** From the bottom up; `images`: how many images have it, this one among them. */
  layers: v.array(v.strictObject({ diffId: digest, sizeBytes: v.number(), images: v.number() })),
  graphDriver: v.strictObject({ name: v.string(), data: v.record(v.string(), v.string()) }),
});
export type ImageDetail = v.InferOutput<typeof imageDetail>;

/** One step of how an image was made; the newest comes first. */
const imageHistoryStep = v.strictObject({
  /** Of the image that ends here, when it is in the store. */
  id: v.optional(imageId),
  createdAt: v.optional(timestampMs),
  createdBy: v.string(),
  comment: v.string(),
  /** 0 for a step without a layer. */
  sizeBytes: v.number(),
  /** Of the images that end with this layer. */
  names: v.array(v.string()),
});
export type ImageHistoryStep = v.InferOutput<typeof imageHistoryStep>;

export interface ImageTreeLayer {
  readonly chainId: string;
  readonly sizeBytes: number;
  /** Names of the images whose topmost layer it is. */
  readonly topOf: string[];
  readonly children: ImageTreeLayer[];
}
const imageTreeLayer: v.GenericSchema<ImageTreeLayer> = v.strictObject({
  chainId: v.string(),
  sizeBytes: v.number(),
  topOf: v.array(v.string()),
  children: v.array(v.lazy(() => imageTreeLayer)),
});

const imageTree = v.strictObject({
  id: imageId,
  names: v.array(v.string()),
  sizeBytes: v.number(),
  layers: v.array(imageTreeLayer),
});
export type ImageTree = v.InferOutput<typeof imageTree>;

/** Progress of a pull, load, save or push. A reader that joins late loses nothing: each item says all about its object. */
export const transferProgress = v.variant('kind', [
  /** The short name was resolved; a mirror may answer for it. */
  v.strictObject({ kind: v.literal('resolved'), reference: v.string(), source: v.string() }),
  v.strictObject({
    kind: v.literal('layer'),
    /** Of the blob; the first 12 digits are shown. */
    digest,
    state: v.picklist(['waiting', 'present', 'fetching', 'unpacking', 'copying', 'done', 'retrying']),
    /** Compressed bytes fetched, of the blob's size (0: unknown); while it is copied out of the store, of its tar's. */
    doneBytes: v.number(),
    totalBytes: v.number(),
    /** Of a retry: why. */
    message: v.optional(v.string()),
  }),
  /** Of a container with a user namespace where mounts cannot translate owners: files of the copy that have their new one. */
  v.strictObject({ kind: v.literal('mapping'), digest, state: v.picklist(['copying', 'done']), entries: v.number() }),
  v.strictObject({ kind: v.literal('config'), digest }),
  v.strictObject({ kind: v.literal('manifest'), digest }),
  v.strictObject({ kind: v.literal('warning'), message: v.string() }),
]);
export type TransferProgress = v.InferOutput<typeof transferProgress>;

const progressItem = v.strictObject({ kind: v.literal('progress'), progress: transferProgress });
const imageItem = v.strictObject({ kind: v.literal('image'), id: imageId, name: v.string() });
export const transferItem = v.variant('kind', [progressItem, imageItem]);

/** A piece of a file that travels: small, so that what is granted at once (see rpc) is bounded in bytes, too. */
export const pieceBytes = 64 * 1024;
const piece = v.pipe(
  v.instance(Uint8Array),
  v.check((bytes) => bytes.length > 0 && bytes.length <= pieceBytes, `a piece has 1 to ${String(pieceBytes)} bytes`),
);
/** A file that its owner sends: its name, for messages, and its size. A sender waits for what was received before it is far ahead. */
const sentFile = {
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096)),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
};
/** `received`: so many bytes of it are written down. */
const receivingItem = v.variant('kind', [v.strictObject({ kind: v.literal('received'), bytes: v.number() }), progressItem, imageItem]);

const importOptions = {
  reference: v.optional(nameOrId),
  changes: v.optional(v.array(v.string()), []),
  message: v.optional(v.string(), ''),
  os: v.optional(v.string()),
  architecture: v.optional(v.string()),
  variant: v.optional(v.string()),
};

const savedImages = {
  images: v.pipe(v.array(nameOrId), v.nonEmpty()),
  names: v.optional(v.array(v.string()), []),
  /** The names by which images are asked for do not go with them. */
  withoutName: v.optional(v.boolean(), false),
  /** OCI: layers as they are. */
  uncompressed: v.optional(v.boolean(), false),
};

export const mountedObject = v.strictObject({
  id: v.string(),
  names: v.array(v.string()),
  /** Of an image's manifest. */
  digest: v.optional(digest),
  path: v.string(),
});
export type MountedObject = v.InferOutput<typeof mountedObject>;

export const imageRoutes = {
  list: call({
    input: v.strictObject({
      /** With intermediate images. */
      all: v.optional(v.boolean(), false),
      filters: v.optional(v.array(v.strictObject({ key: v.string(), value: v.string() })), []),
    }),
    output: v.array(imageSummary),
  }),
  /** One item now and one after each change. */
  watch: stream({ input: v.strictObject({}), item: v.array(imageSummary) }),
  inspect: call({ input: v.strictObject({ image: nameOrId }), output: imageDetail }),
  exists: call({ input: v.strictObject({ image: nameOrId }), output: v.boolean() }),
  history: call({ input: v.strictObject({ image: nameOrId }), output: v.array(imageHistoryStep) }),
  /** Its layers from the bottom up; or, with `whatRequires`, its topmost layer and all that lies upon it. */
  tree: call({ input: v.strictObject({ image: nameOrId, whatRequires: v.optional(v.boolean(), false) }), output: imageTree }),
  /** A name, or with a transport: docker://, docker-archive:, oci-archive:, oci:, dir:, containers-storage:. Yields an item `image` for each. */
  pull: stream({
    input: v.strictObject({
      reference: nameOrId,
      policy: v.optional(v.picklist(['always', 'missing', 'never', 'newer']), 'always'),
      /** os/arch[/variant] */
      platform: v.optional(v.string()),
      /** Each tag of the repository. */
      allTags: v.optional(v.boolean()),
      /** What paths in the reference are relative to. */
      workingDirectory: v.optional(v.string()),
      tlsVerify: v.optional(v.boolean()),
      /** user:password, for this pull alone; never stored or logged. */
      credentials: v.optional(v.string()),
      authFile: v.optional(v.string()),
      certDirectory: v.optional(v.string()),
    }),
    item: transferItem,
  }),
  /** A docker-archive or OCI archive (compressed or not), or an OCI layout folder, at an absolute path. */
  load: stream({ input: v.strictObject({ path: v.string() }), item: transferItem }),
  /** As `load`, of an archive that is sent in pieces. Nothing is read of it before it is there, and nothing of it is left. */
  loadBytes: duplex({ input: v.strictObject(sentFile), up: piece, down: receivingItem }),
  /**
   * Into an archive or folder at an absolute path, which is there when it is whole. `names` are further ones for the first image.
   * Several images only as docker-archive.
   */
  save: stream({
    input: v.strictObject({
      ...savedImages,
      path: v.string(),
      format: v.optional(v.picklist(['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir']), 'docker-archive'),
      /** docker-dir: layers by gzip. */
      compress: v.optional(v.boolean(), false),
    }),
    item: transferItem,
  }),
  /** As `save`, to whoever asks: all progress first, then, once the archive is whole, its pieces. */
  saveBytes: stream({
    input: v.strictObject({ ...savedImages, format: v.optional(v.picklist(['docker-archive', 'oci-archive']), 'docker-archive') }),
    item: v.variant('kind', [progressItem, v.strictObject({ kind: v.literal('bytes'), bytes: piece, totalBytes: v.number() })]),
  }),
  /** One image of one layer, from a tar of files (plain, gzip, zstd, xz, bzip2). */
  import: stream({
    input: v.strictObject({
      /** Exactly one of them: an absolute path, or an http or https address. */
      path: v.optional(v.string()),
      url: v.optional(v.string()),
      /** For messages, when the path means nothing to a person. */
      shownAs: v.optional(v.string()),
      ...importOptions,
    }),
    item: transferItem,
  }),
  /** As `import`, of a tar that is sent in pieces. */
  importBytes: duplex({ input: v.strictObject({ ...sentFile, ...importOptions }), up: piece, down: receivingItem }),
  /** Read-only; the rest as of containers. */
  mount: call({ input: v.strictObject({ image: nameOrId }), output: mountedObject }),
  unmount: call({
    input: v.strictObject({ image: nameOrId, force: v.optional(v.boolean(), false) }),
    output: v.strictObject({ id: v.string(), wasMounted: v.boolean() }),
  }),
  mounted: call({ input: v.strictObject({}), output: v.array(mountedObject) }),
  /** To a registry: [docker://]host/path[:tag]; without a destination to where its name says. */
  push: stream({
    input: v.strictObject({
      image: nameOrId,
      destination: v.optional(v.string()),
      format: v.optional(v.picklist(['oci', 'v2s2'])),
      compressionFormat: v.optional(v.picklist(['gzip', 'zstd'])),
      compressionLevel: v.optional(v.number()),
      /** A secret key that gpg has: simple signing, into the lookaside's staging folder. */
      signBy: v.optional(v.string()),
      /** A PEM file: a sigstore signature, attached in the registry. */
      signBySigstorePrivateKey: v.optional(v.string()),
      /** For either key; its first line counts. */
      signPassphraseFile: v.optional(v.string()),
      tlsVerify: v.optional(v.boolean()),
      /** user:password, for this push alone; never stored or logged. */
      credentials: v.optional(v.string()),
      authFile: v.optional(v.string()),
      certDirectory: v.optional(v.string()),
    }),
    item: v.variant('kind', [
      v.strictObject({ kind: v.literal('progress'), progress: transferProgress }),
      /** `digest`: of its manifest there. */
      v.strictObject({ kind: v.literal('pushed'), id: imageId, name: v.string(), digest }),
    ]),
  }),
  /** Signs manifests that lie in registries: simple signing by gpg, into the lookaside's staging folder or another one. */
  sign: call({
    input: v.strictObject({
      images: v.pipe(v.array(v.string()), v.nonEmpty()),
      signBy: v.pipe(v.string(), v.nonEmpty('no identity provided')),
      passphraseFile: v.optional(v.string()),
      /** Absolute. */
      directory: v.optional(v.string()),
      /** Of an index also every manifest that it names. */
      all: v.optional(v.boolean(), false),
      authFile: v.optional(v.string()),
      certDirectory: v.optional(v.string()),
    }),
    output: v.array(v.strictObject({ name: v.string(), digest, path: v.string() })),
  }),
  tag: call({
    input: v.strictObject({ image: nameOrId, names: v.pipe(v.array(v.string()), v.nonEmpty()) }),
    output: v.strictObject({ id: imageId }),
  }),
  untag: call({
    input: v.strictObject({ image: nameOrId, names: v.optional(v.array(v.string()), []) }),
    output: v.strictObject({ id: imageId }),
  }),
  remove: call({
    input: v.strictObject({
      image: nameOrId,
      force: v.optional(v.boolean(), false),
      ignore: v.optional(v.boolean(), false),
      /** Keep it for a while; see the trash. */
      trash: v.optional(v.boolean(), true),
    }),
    output: v.strictObject({ untagged: v.array(v.string()), deleted: v.array(imageId) }),
  }),
  /** Makes sure that the embedded starter image is in the store; needs no network. Answers its name. */
  ensureStarter: call({ input: v.strictObject({}), output: v.strictObject({ id: imageId, name: v.string() }) }),
};
