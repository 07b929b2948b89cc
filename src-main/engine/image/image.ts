/**
 * Images: what references point to. Resolves, pulls, loads, tags, removes; keeps manifests and configurations in the content room and
 * has layers unpacked by the layer room.
 *
 * Laws
 * - An image becomes visible in one transaction, after all its layers; that transaction checks once more that none was removed meanwhile.
 * - An interrupted pull leaves nothing half visible: the layers that it had unpacked go, the blobs that it had fetched stay in content/partial,
 *   verified again and used by the next one. A pull that failed for good leaves neither.
 * - A pull or removal that died with its process is in the journal with its layers' names; `recover` undoes exactly that.
 * - Two engines at the same image: each blob is fetched by one, under its lock; each layer is committed by one; names are merged.
 * - A list holds on to the layers and documents of its images in this store as an image does, also when the image itself was removed.
 */
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { ImageConfig, ImageDetail, ImageHistoryStep, ImageTree, TransferProgress } from '../../contract/image.ts';
import type { StoreProblem } from '../../contract/system.ts';
import type { ImageRecord } from '../state/state.ts';
import type { ConfigPatch } from './import-changes.ts';
import type { ImageFormat } from './import-documents.ts';
import type { AdoptableImage, AdoptionOutlook, AdoptOptions } from './adopt.ts';
import type { RegistryOptions } from './client.ts';
import type { ListPushOptions } from './list-push.ts';
import type { ListSourceOptions } from './list-source.ts';
import type { CreateListOptions, InspectedList, ListChanges } from './list.ts';
import type { ArchiveReference } from './load.ts';
import type { ReceivedFile, ReceiveOptions } from './nameless-file.ts';
import type { SpooledSave } from './save.ts';

export type { AdoptableImage, AdoptableLayer, AdoptionOutlook, AdoptOptions } from './adopt.ts';
export { parseConfig } from './config-blob.ts';
export { type ConfigPatch, parseChanges } from './import-changes.ts';
export type { ImageFormat } from './import-documents.ts';
export { createImageStore, type ImageStoreOptions } from './image-store.ts';
export type { CreateListOptions, InspectedList, ListChanges } from './list.ts';
export type { ListPushOptions } from './list-push.ts';
export type { ListSourceOptions } from './list-source.ts';
export { parseManifest } from './manifest.ts';
export type { ReceivedFile, ReceiveOptions } from './nameless-file.ts';
export { layerUsage, type LayerUsage } from './prune.ts';
export type { SpooledSave } from './save.ts';

export interface PullOptions {
  readonly policy: 'always' | 'missing' | 'never' | 'newer';
  readonly platform?: string | undefined;
  /** Of the repository each image that has a tag; the name's own tag does not count. */
  readonly allTags?: boolean | undefined;
  /** What paths of transports are relative to. */
  readonly workingDirectory?: string | undefined;
  readonly tlsVerify?: boolean | undefined;
  readonly credentials?: string | undefined;
  readonly authFile?: string | undefined;
  readonly certDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface LoadOptions {
  /** Only that kind of archive, and of it only what it names. */
  readonly from?: ArchiveReference;
  /** os/arch[/variant], of an OCI layout for several. */
  readonly platform?: string;
  /** Of an OCI layout the images for all platforms. */
  readonly everyPlatform?: boolean;
  /** Instead of the names in it. */
  readonly names?: readonly string[];
  /** For messages and the event, when the path means nothing to a person. */
  readonly shownAs?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface SaveOptions {
  readonly format: 'docker-archive' | 'oci-archive' | 'oci-dir' | 'docker-dir';
  /** Absolute. A file is replaced, and so is a docker-dir; to an OCI layout it is added; any other folder has to be empty or not there. */
  readonly path: string;
  /** Further names for the first image. */
  readonly names?: readonly string[];
  /** The names by which images are asked for do not go with them. */
  readonly withoutName?: boolean;
  /** docker-dir: gzip instead of plain layers. */
  readonly compress?: boolean;
  /** OCI: plain layers instead of gzip. */
  readonly uncompressed?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface PushOptions {
  /** Default: the kind that it came as; the other one when the registry takes no such manifests. */
  readonly format?: 'oci' | 'v2s2';
  /** Default gzip. zstd makes an OCI image. */
  readonly compressionFormat?: 'gzip' | 'zstd';
  readonly compressionLevel?: number;
  /** A secret key that gpg has: simple signing, into the lookaside's staging folder. */
  readonly signBy?: string;
  /** A PEM file: a sigstore signature, attached in the registry. */
  readonly signBySigstorePrivateKey?: string;
  /** For either key. */
  readonly signPassphraseFile?: string;
  readonly tlsVerify?: boolean;
  readonly credentials?: string;
  readonly authFile?: string;
  readonly certDirectory?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface SignOptions {
  /** A secret key that gpg has. */
  readonly signBy: string;
  readonly passphraseFile?: string | undefined;
  /** Absolute; default: where registries.d says. */
  readonly directory?: string | undefined;
  /** Of an index also every manifest that it names. */
  readonly all: boolean;
  readonly authFile?: string | undefined;
  readonly certDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SignedManifest {
  readonly name: string;
  readonly digest: Digest;
  /** Of the signature. */
  readonly path: string;
}

export interface PushedImage {
  readonly id: ImageId;
  /** The full name that it has there. */
  readonly name: string;
  /** Of its manifest there. */
  readonly digest: Digest;
}

export interface SavedImage {
  readonly id: ImageId;
  /** Under which it was saved; the id when it has none. */
  readonly name: string;
}

export interface ImportRequest {
  /** An absolute path, or an http or https address; gzip, zstd, and by their programs xz and bzip2, are told by their first bytes. */
  readonly source: { readonly path: string } | { readonly url: string };
  /** For messages and the event, when the path means nothing to a person. */
  readonly shownAs?: string | undefined;
  readonly reference: string | undefined;
  readonly changes: readonly string[];
  readonly message: string;
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** A new layer upon those of an image. */
export interface ComposeRequest {
  readonly base: ImageId;
  /** Of the new layer, uncompressed. */
  readonly tar: AsyncIterable<Uint8Array>;
  /** Called when all of it was read and nothing is visible yet; its error is the end. */
  readonly afterReading?: (() => Promise<void>) | undefined;
  /** The new layer is all of the image: the base's layers are not below it. */
  readonly squash: boolean;
  readonly name: string | undefined;
  readonly patch: ConfigPatch;
  readonly author: string;
  /** Docker's format has it in the configuration, both in the history. */
  readonly message: string;
  readonly createdBy: string;
  readonly format: ImageFormat;
  /** What it is made from, for the journal. */
  readonly object: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface ResolvedImage {
  readonly record: ImageRecord;
  /** The full name under which it was found; the id when it was asked for by id. */
  readonly name: string;
}

export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly ImageId[];
}

export interface RemoveOptions {
  readonly force: boolean;
  /** Keep it for a while instead of deleting it. */
  readonly trash?: boolean;
  /** Refuse with `in-use` when it is called otherwise meanwhile. */
  readonly expectedNames?: readonly string[];
}

export interface RestoredImage {
  readonly record: ImageRecord;
  /** Names that another image has meanwhile. */
  readonly taken: readonly string[];
}

export interface ImageStore {
  /** By short or full name, name@digest, id or its beginning. `not-found`, or `ambiguous` with the candidates. */
  resolve(nameOrId: string): ResolvedImage;
  find(nameOrId: string): ResolvedImage | undefined;
  /** As `resolve` and `find`, but a list is itself, and not its image for this machine. */
  resolveRecord(nameOrId: string): ResolvedImage;
  findRecord(nameOrId: string): ResolvedImage | undefined;
  /** Images and lists. */
  list(): ImageRecord[];
  config(id: ImageId): ImageConfig;
  inspect(nameOrId: string): ImageDetail;
  /** The newest step first. */
  history(nameOrId: string): Promise<ImageHistoryStep[]>;
  tree(nameOrId: string, options: { readonly whatRequires: boolean }): Promise<ImageTree>;
  /** The first of `pullAll`. */
  pull(reference: string, options: PullOptions): Promise<ResolvedImage>;
  /** By a name, or with a transport (containers-transports(5)): an archive may hold several images, a repository many tags. */
  pullAll(reference: string, options: PullOptions): Promise<readonly ResolvedImage[]>;
  /** One item per image in the archive. */
  load(path: string, options: LoadOptions): Promise<readonly ResolvedImage[]>;
  /** An archive that is sent in pieces, for `load` and `importTar`. Errors: `corrupt` when less or more comes than announced, `disk-full`, `cancelled`. */
  receive(chunks: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<ReceivedFile>;
  /** What `adopt` would do. */
  outlook(image: AdoptableImage): AdoptionOutlook;
  /**
   * Takes over an image of another program's store, with its manifest, so that its digests stay; of its names those that no other image has here.
   * Errors: `corrupt` and `digest-mismatch` for layers that are not what they were, `denied` by policy, `disk-full`, `cancelled`.
   */
  adopt(image: AdoptableImage, options: AdoptOptions): Promise<ImageRecord>;
  /**
   * Writes images so that Podman, Docker, skopeo and `load` read them, with the very layers that came in. What is at `path` is whole, or as it was
   * before. The same images give the same bytes. Several only into a docker-archive.
   * Errors: `not-found`, `corrupt` (a layer was changed on the disk), `unsupported` (a layer without a recipe), `already-exists`, `disk-full`, `cancelled`.
   */
  save(nameOrIds: readonly string[], options: SaveOptions): Promise<readonly SavedImage[]>;
  /** As `save`, into an archive that has no place of its own: it is read once and gone. Errors as of `save`. */
  saveForSending(nameOrIds: readonly string[], options: Omit<SaveOptions, 'path'>): Promise<SpooledSave>;
  /** One image of one layer from a tar of files. Its layer is on the disk twice until it is unpacked. */
  importTar(request: ImportRequest): Promise<ResolvedImage>;
  compose(request: ComposeRequest): Promise<ResolvedImage>;
  /**
   * Sends an image to a registry, as `[docker://]host/path[:tag]`; without a destination to where its name says. Layers that are there are
   * not sent again, and where all of them are those that it came with, it keeps its digest. The tag is set when all is there.
   * Errors: those of `save` for what is read, those of a pull for the registry's side; `invalid-argument` for a destination that is none.
   */
  push(nameOrId: string, destination: string | undefined, options: PushOptions): Promise<PushedImage>;
  /** Signs manifests that lie in registries (simple signing), beside signatures that there are. `not-found` when there is no such key. */
  sign(names: readonly string[], options: SignOptions): Promise<SignedManifest[]>;
  /** A list for several platforms, empty or with these images. `already-exists` unless `amend`. Answers the list, as all that change one do. */
  createList(name: string, images: readonly string[], options: CreateListOptions): Promise<ImageRecord>;
  /** From this store, registries (referred to, not fetched) or archives (brought into the store). The changes are made to each that is added. */
  addToList(name: string, images: readonly string[], changes: ListChanges, options: ListSourceOptions): Promise<ImageRecord>;
  /** Without an instance: of the index itself. */
  annotateList(name: string, instance: string | undefined, changes: ListChanges): Promise<ImageRecord>;
  removeFromList(name: string, instance: string): Promise<ImageRecord>;
  /** `not-found`; `invalid-argument` for an image that is none. */
  resolveList(name: string): Promise<ImageRecord>;
  inspectList(name: string, options: RegistryOptions & { readonly signal?: AbortSignal }): Promise<InspectedList>;
  /** To a registry: what its images need, they themselves by digest, then the index. What is there already is not sent. Errors as of `push`. */
  pushList(name: string, destination: string | undefined, options: ListPushOptions): Promise<PushedImage>;
  tag(nameOrId: string, names: readonly string[]): ImageRecord;
  /** Without names: all of them. */
  untag(nameOrId: string, names: readonly string[]): ImageRecord;
  /** Podman's rules: a name among several is only untagged; `in-use` with the containers when one is made from it, unless forced (the caller removes containers first). */
  remove(nameOrId: string, options: RemoveOptions): Promise<RemovedImage>;
  /** Out of the trash. */
  restore(trashId: string): Promise<RestoredImage>;
  /** Deletes for good what the trash has of an image. */
  discard(trashId: string): Promise<void>;
  /** Removes those of these layers that nothing needs. */
  dropLayers(chainIds: readonly Digest[]): Promise<void>;
  /** The registries that short names are searched in, and the files that say so. */
  searchRegistries(): { readonly search: readonly string[]; readonly files: readonly string[] };
  /** Layers that no image refers to. */
  unreferencedLayers(): Digest[];
  /** The embedded image, loaded when it is not there. Needs no network. */
  ensureStarter(): Promise<ResolvedImage>;
  /** Undoes pulls and finishes removals whose process died, and forgets blobs that nobody came back for; says what it did. */
  recover(): Promise<readonly string[]>;
  /** Layers that are half there, and what needs them. Changes nothing. */
  findProblems(): readonly StoreProblem[];
  /** Reads all layers and holds them against their digests; those that are damaged are among the problems from then on. */
  verify(signal?: AbortSignal): Promise<void>;
}
