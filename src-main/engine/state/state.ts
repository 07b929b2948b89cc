/**
 * The store's memory: one SQLite database (WAL) per graph root, shared by any number of engines at once, and one lock file per object.
 *
 * Terms. A *record* is what the database keeps of an object: hot fields as columns, the rest as JSON. An *operation* is a
 * journal entry "I am about to change this object in several steps", with the process that does it; it is removed when the
 * steps are done, so one whose process is dead names exactly what has to be repaired. An *event* has an id that only grows.
 *
 * Laws
 * - An object's record changes only under its lock. Lock order: container before image before layer before volume; of
 *   one kind in order of id; never a lock of an object while waiting for the store-wide one.
 * - A transaction never awaits.
 * - What a user would miss after a power failure is on the disk when the call returns: that a container, an image, a volume is there, is called so, or
 *   is being removed. What only a living machine needs (who runs, the journal, events) is written, and safe from the death of any process, but
 *   not synced: after a power failure nothing runs, and the first engine after a boot looks at everything anyway.
 * - Engines hear of each other by inotify on a signal file that each touches after a commit: no polling.
 */
import type { ContainerSpec, PortMapping } from '../../contract/container-spec.ts';
import type { ContainerState, NetworkSettings } from '../../contract/container.ts';
import type { EngineEvent } from '../../contract/event.ts';
import type { ContainerId, Digest, ImageId } from '../../contract/ids.ts';
import type { ImageConfig } from '../../contract/image.ts';
import type { IdRange, Lock } from '../../system/system.ts';

/** Everything that was decided when the container was created and does not change. */
export interface ContainerConfig {
  readonly spec: ContainerSpec;
  readonly imageName: string;
  readonly imageConfig: ImageConfig;
  /** Chain id of the image's top layer: the parent of the container's writable snapshot; undefined for an empty image. */
  readonly parentChainId: Digest | undefined;
  /** ENTRYPOINT + CMD as it will be executed. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly hostname: string;
  readonly mounts: readonly ContainerMount[];
  /** Ports with their host ports chosen. */
  readonly ports: readonly PortMapping[];
  /** The mode in force, `default` resolved. */
  readonly networkMode: 'host' | 'none' | 'bridge' | 'pasta' | 'slirp4netns';
  readonly logPath: string;
  /** Undefined: the engine's. */
  readonly userNamespace?: ContainerUserNamespace | undefined;
  readonly warnings: readonly string[];
}

/** A user namespace of the container's own. `containerId` is an id inside, `hostId` what it is for the engine. */
export interface ContainerUserNamespace {
  /** maps, keep-id, nomap, auto, container:ID, ns:PATH */
  readonly mode: string;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  /** Who runs in it when neither the user nor the image says so: uid:gid. */
  readonly user?: string;
  /** With keep-id: the ids inside of the user outside, and whether they are the same. */
  readonly keeps?: { readonly uid: number; readonly gid: number; readonly same: boolean };
  /** The container whose namespace it is. */
  readonly joins?: ContainerId;
  /** Of a namespace that somebody else made. */
  readonly path?: string;
}

export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  readonly source: string;
  readonly hostPath: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly options: readonly string[];
  readonly volumeName: string;
  /** Made for this container alone, removed with it by --rm or rm -v. */
  readonly anonymous: boolean;
}

export interface ContainerRecord {
  readonly id: ContainerId;
  readonly name: string;
  readonly imageId: ImageId;
  readonly createdAt: number;
  readonly config: ContainerConfig;
  readonly state: ContainerState;
  readonly pid: number;
  readonly pidStartTime: number;
  readonly conmonPid: number;
  readonly conmonStartTime: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  readonly error: string;
  readonly restartCount: number;
  /** The user stopped it: no restart. */
  readonly stoppedByUser: boolean;
  readonly network: NetworkSettings | undefined;
  /** What the network room needs to take it down again; opaque to others. */
  readonly networkState: unknown;
  readonly bootId: string;
}

/** What may change after creation. */
export type ContainerChange = Partial<Omit<ContainerRecord, 'id' | 'createdAt' | 'config' | 'imageId'>>;

export interface ImageRecord {
  readonly id: ImageId;
  readonly manifestDigest: Digest | undefined;
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  /** Unpacked layers from the bottom up, by chain id. */
  readonly chainIds: readonly Digest[];
  readonly createdAt: number;
  readonly sizeBytes: number;
  readonly architecture: string;
  readonly os: string;
  readonly labels: Readonly<Record<string, string>>;
  /** When it came into the store. */
  readonly storedAt: number;
  /** The additional store that it is in, of which nothing is changed. A record that is put here is always this store's own. */
  readonly readOnly?: string;
  /** Set on a list of images: then the id is of no configuration, and `chainIds` are the layers of all instances that are in the store. */
  readonly list?: ImageList;
}

/** Images of one thing for several platforms, made here (a manifest list, an OCI index). Pulled indexes are no such: of them one image is taken. */
export interface ImageList {
  /** Of the index itself. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly instances: readonly ListInstance[];
}

export interface ListInstance {
  /** Of its manifest. */
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly platform: ListPlatform;
  readonly annotations: Readonly<Record<string, string>>;
  /** In this store: the list keeps its layers and documents, also when the image is removed. Else it is in a registry, see `source`. */
  readonly image: Pick<ImageRecord, 'id' | 'manifestDigest' | 'chainIds' | 'repoDigests'> | undefined;
  /** registry/repository@digest */
  readonly source: string | undefined;
}

export interface ListPlatform {
  readonly architecture: string;
  readonly os: string;
  readonly osVersion: string;
  readonly osFeatures: readonly string[];
  readonly variant: string;
  /** Only Docker's lists have them. */
  readonly features: readonly string[];
}

export interface LayerRecord {
  readonly chainId: Digest;
  readonly diffId: Digest;
  readonly parentChainId: Digest | undefined;
  readonly sizeBytes: number;
  readonly createdAt: number;
}

/** Compressed blobs known to unpack to a diff id: lets a pull skip a layer by the manifest alone. */
export interface BlobRecord {
  readonly blobDigest: Digest;
  readonly diffId: Digest;
  readonly sizeBytes: number;
}

/** Where a blob was found or sent to. */
export interface BlobPlace {
  readonly blobDigest: Digest;
  readonly registry: string;
  readonly repository: string;
  readonly compression: 'gzip' | 'zstd';
}

export interface VolumeRecord {
  readonly name: string;
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
}

interface TrashEntry {
  /** Twelve hexadecimal digits. */
  readonly id: string;
  /** Id of the container or image, name of the volume. */
  readonly object: string;
  /** What a person called it; empty for an image without names. */
  readonly name: string;
  readonly removedAt: number;
  /** Of its own files; undefined until somebody has measured them. */
  readonly sizeBytes: number | undefined;
}

/** What was removed and can be brought back: the record as it was. See the trash room. */
export type TrashRecord =
  | (TrashEntry & { readonly kind: 'container'; readonly record: ContainerRecord })
  | (TrashEntry & { readonly kind: 'image'; readonly record: ImageRecord })
  | (TrashEntry & { readonly kind: 'volume'; readonly record: VolumeRecord });

export type OperationKind =
  | 'container.create'
  | 'container.start'
  | 'container.stop'
  | 'container.cleanup'
  | 'container.remove'
  | 'container.commit'
  | 'image.pull'
  | 'image.commit'
  | 'image.import'
  | 'image.remove'
  | 'layer.unpack'
  | 'tree.hold'
  | 'volume.adopt'
  | 'volume.remove'
  | 'volume.restore'
  | 'trash.empty';

export interface OperationRecord {
  readonly id: number;
  readonly kind: OperationKind;
  readonly object: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly pid: number;
  readonly pidStartTime: number;
  readonly startedAt: number;
}

/** Ends the journal entry when disposed, unless `keep` was called: then the next engine repairs it. */
export interface Operation extends Disposable {
  readonly id: number;
  keep(): void;
}

export interface State extends Disposable {
  readonly containers: ContainerTable;
  readonly images: ImageTable;
  readonly layers: LayerTable;
  readonly additional: AdditionalStores;
  readonly volumes: VolumeTable;
  readonly trash: TrashTable;
  readonly events: EventTable;
  readonly operations: OperationTable;
  /** BEGIN IMMEDIATE … COMMIT; nested calls join. Touches the signal file afterwards, so other engines look. */
  transaction<T>(change: () => T): T;
  /** Gives up the room that is set aside for removals from a full disk; false when there is none. */
  releaseReserve(): boolean;
  /** One object's lock, across processes. */
  lock(kind: 'container' | 'image' | 'layer' | 'volume' | 'store', id: string, signal?: AbortSignal): Promise<Lock>;
  tryLock(kind: 'container' | 'image' | 'layer' | 'volume' | 'store', id: string): Lock | undefined;
}

export interface ContainerTable {
  get(id: ContainerId): ContainerRecord;
  find(id: ContainerId): ContainerRecord | undefined;
  /** By name, full id, or unambiguous beginning of an id; `not-found`, or `ambiguous` with the candidates. */
  resolve(nameOrId: string): ContainerRecord;
  list(): ContainerRecord[];
  /** `already-exists` (with the holder's id in details) when the name is taken. */
  insert(record: ContainerRecord): void;
  update(id: ContainerId, change: ContainerChange): ContainerRecord;
  remove(id: ContainerId): void;
  countByImage(id: ImageId): number;
}

/** Other stores of ours, the images of which can be used here. None of them that is missing or damaged is an error. */
export interface AdditionalStores {
  /** Graph roots. */
  paths(): readonly string[];
  images(): readonly ImageRecord[];
  findLayer(chainId: Digest): { readonly record: LayerRecord; readonly path: string } | undefined;
  /** One line for each that is not used, with the reason. */
  warnings(): readonly string[];
}

/** Looked up are this store's own images, and then those of the additional stores; an own one hides another of the same id or name. */
export interface ImageTable {
  find(id: ImageId): ImageRecord | undefined;
  findByName(name: string): ImageRecord | undefined;
  /** All whose id begins so. */
  findByIdPrefix(prefix: string): ImageRecord[];
  /** The additional stores' last: an image may be here and there. */
  list(): ImageRecord[];
  /** This store's alone. */
  listOwn(): ImageRecord[];
  /** Inserts or replaces; names move from whichever image had them. */
  put(record: ImageRecord): void;
  remove(id: ImageId): void;
}

export interface LayerTable {
  find(chainId: Digest): LayerRecord | undefined;
  list(): LayerRecord[];
  put(record: LayerRecord): void;
  remove(chainId: Digest): void;
  findBlob(blobDigest: Digest): BlobRecord | undefined;
  /** All that are known to unpack to it. */
  blobsOf(diffId: Digest): BlobRecord[];
  putBlob(record: BlobRecord): void;
  placesOf(blobDigest: Digest): BlobPlace[];
  putPlace(place: BlobPlace): void;
}

export interface VolumeTable {
  find(name: string): VolumeRecord | undefined;
  list(): VolumeRecord[];
  insert(record: VolumeRecord): void;
  remove(name: string): void;
}

export interface TrashTable {
  find(id: string): TrashRecord | undefined;
  /** The newest first: a name may have been removed more than once. */
  findObject(kind: TrashRecord['kind'], object: string): TrashRecord[];
  /** The oldest first. */
  list(): TrashRecord[];
  /** Within the transaction that takes the object itself away. */
  insert(entry: TrashRecord): void;
  measured(id: string, sizeBytes: number): void;
  remove(id: string): void;
}

export interface EventTable {
  /** Inside the transaction of the change it tells of. */
  append(
    event: Omit<EngineEvent, 'sequence' | 'timestampMs' | 'attributes'> & { readonly attributes?: Readonly<Record<string, string>> },
  ): void;
  after(sequence: number, limit?: number): EngineEvent[];
  lastSequence(): number;
  /** Calls back after any engine's commit, this one's too, at most once per turn of the event loop. */
  onChange(listener: () => void): Disposable;
}

export interface OperationTable {
  begin(kind: OperationKind, object: string, details?: Readonly<Record<string, unknown>>): Operation;
  list(): OperationRecord[];
  /** Those whose process is gone. */
  abandoned(): OperationRecord[];
  remove(id: number): void;
}

export { openState, type StateOptions } from './open-state.ts';
export { newTrashId } from './trash-table.ts';
