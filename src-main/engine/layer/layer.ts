/**
 * Layers: tar streams that become snapshots. Written for hostile input: nothing is ever written outside the diff directory,
 * whatever the archive says (CVE-2018-1002207, CVE-2019-14271, CVE-2021-30465 and their kin).
 *
 * Terms. *blob digest*: of the bytes as fetched; *diff id*: of the uncompressed tar; *chain id*: of a layer upon its parents
 * (OCI image-spec config.md#layer-chainid); *recipe*: what of the tar is in no file, kept beside the snapshot, so that the very
 * same bytes can be had again (recipe-format.ts).
 */
import type { Readable } from 'node:stream';
import type { Digest } from '../../contract/ids.ts';
import type { GrowingFile } from '../content/content.ts';
import type { LayerRecord } from '../state/state.ts';

export interface UnpackRequest {
  readonly parentChainId: Digest | undefined;
  /** Checked at the end; a mismatch leaves nothing. */
  readonly diffId: Digest;
  /** The compressed bytes (gzip, zstd or plain; told by their magic), or a file that holds them whole. */
  readonly source: Readable | GrowingFile | { readonly path: string };
  /** Checked when given. */
  readonly blobDigest?: Digest;
  readonly signal?: AbortSignal;
  readonly onProgress?: (unpackedBytes: number) => void;
}

/** A layer of which files and record do not fit together; nobody is at work on it. */
export interface LayerProblem {
  readonly chainId: Digest;
  /** `half-pulled-layer`: files that no record vouches for; `missing-layer`: a record without files; `damaged-layer`: files that cannot be used. */
  readonly kind: 'half-pulled-layer' | 'missing-layer' | 'damaged-layer';
}

export interface LayerStore {
  /** Of a layer with this diff id on this parent. Pure. */
  chainId(parentChainId: Digest | undefined, diffId: Digest): Digest;
  find(chainId: Digest): LayerRecord | undefined;
  /** As find, but not when it is known to be damaged: whoever can bring it again gives it to `unpack`, which heals it. */
  findSound(chainId: Digest): LayerRecord | undefined;
  /**
   * Unpacks into a new snapshot in a worker thread and commits it together with its record; when another engine was first,
   * answers its layer. A layer that is there and damaged is replaced by the new one once that is whole (`in-use` while a container that lies on it
   * runs). May be called before or while the parent is unpacked: it settles after it, fails when this store's
   * unpacking of the parent fails, and waits for a parent that nobody unpacks until the signal fires. Errors: `digest-mismatch`, `corrupt` (truncated, malformed, hostile: names the entry), `limit-exceeded` (bomb),
   * `disk-full`, `cancelled`; after each the store is as before.
   */
  unpack(request: UnpackRequest): Promise<LayerRecord>;
  /** Removes record and snapshot. `in-use` when an image, a container or another layer needs it. */
  remove(chainId: Digest): Promise<void>;
  /** Clears up after an unpacking or a removal that was cut short. Nothing is done to a whole layer, or to one that somebody works on. */
  removeRemains(chainId: Digest): Promise<void>;
  /**
   * Removes what engines that died left: snapshots of layers without a record, records without a snapshot; answers what it did, in words.
   * What another engine works on is left alone. Under the store-wide lock, after the snapshot store's sweep.
   */
  repair(): Promise<readonly string[]>;
  /** Looks only. */
  findProblems(): readonly LayerProblem[];
  /** Whether it has a recipe. Layers of stores of the first version have none. */
  canRead(chainId: Digest): boolean;
  /**
   * The layer's tar, byte for byte, `sizeBytes` of its record in all, in pieces; put together in a worker thread in bounded memory, at the
   * pace of the reader. It is whole and right only when the iteration ends without an error: the digest is checked while it streams.
   * Errors: `not-found`, `unsupported` (no recipe), `corrupt` (names the layer, the file and what to do; from then on it is known to be damaged),
   * `cancelled`.
   */
  read(chainId: Digest, signal?: AbortSignal): AsyncGenerator<Buffer>;
  /** Reads all of it; the errors are those of `read`. */
  verify(chainId: Digest, signal?: AbortSignal): Promise<void>;
}

export { createLayerStore } from './layer-store.ts';
export type { LayerStoreOptions } from './layer-store.ts';

/** For archives of images, whose members are found by walking over their headers. */
export { TarReader, type TarSink } from './tar-reader.ts';
