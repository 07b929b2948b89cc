/** An image on its way out: to an archive, a folder or a registry. */
import { createHash } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { ImageRecord } from '../state/state.ts';
import type { ImageContext } from './context.ts';
import { parseConfig } from './config-blob.ts';
import { type ImageManifest, parseManifest } from './manifest.ts';
import { mediaType } from './media-type.ts';

/** What of an image's record is needed; a list keeps it of its images. */
export type StoredImage = Pick<ImageRecord, 'id' | 'manifestDigest' | 'chainIds'> & Partial<Pick<ImageRecord, 'names' | 'repoDigests'>>;

export interface OutgoingLayer {
  readonly chainId: Digest;
  readonly diffId: Digest;
  /** Of its tar. */
  readonly sizeBytes: number;
}

export interface OutgoingImage {
  readonly record: StoredImage;
  readonly configDigest: Digest;
  readonly configBytes: Buffer;
  readonly layers: readonly OutgoingLayer[];
  /** As it came in. */
  readonly stored: { readonly manifest: ImageManifest; readonly bytes: Buffer; readonly document: unknown } | undefined;
}

export type ManifestKind = 'oci' | 'docker';

/** A layer as it lies where the image goes. */
export interface PlacedLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly compression: 'gzip' | 'zstd' | 'none';
}

/** Errors: `not-found` for a layer that is not there, `corrupt` for a manifest or configuration that is damaged. */
export function toOutgoing(context: ImageContext, record: StoredImage): OutgoingImage {
  const name = record.names?.[0] ?? record.id.slice(0, 12);
  const configDigest = `sha256:${record.id}` as Digest;
  const configBytes = context.blobs.get(configDigest);
  const { diffIds } = parseConfig(configBytes, name);
  const layers = record.chainIds.map((chainId) => {
    const layer = context.layers.find(chainId);
    if (!layer)
      throw new EngineError('not-found', `image ${name} lacks its layer ${chainId}`, { fix: 'Remove it, and pull or load it again.' });
    return { chainId, diffId: layer.diffId, sizeBytes: layer.sizeBytes };
  });
  if (layers.length !== diffIds.length || layers.some(({ diffId }, index) => diffId !== diffIds[index]))
    throw new EngineError('corrupt', `the layers of image ${name} are not those that its configuration names`);
  return { record, configDigest, configBytes, layers, stored: storedManifest(context, record, name) };
}

function storedManifest(context: ImageContext, { manifestDigest }: StoredImage, name: string): OutgoingImage['stored'] {
  const bytes = manifestDigest === undefined ? undefined : context.blobs.find(manifestDigest);
  if (!bytes) return undefined;
  const manifest = parseManifest(bytes, '', `manifest of ${name}`);
  return manifest.kind === 'manifest' ? { manifest, bytes, document: JSON.parse(bytes.toString('utf8')) } : undefined;
}

export function kindOf(type: string): ManifestKind {
  return type === mediaType.dockerManifest ? 'docker' : 'oci';
}

/** Of a layer by its media type. */
export function compressionOf(type: string): PlacedLayer['compression'] {
  if (/[.+]zstd$/.test(type)) return 'zstd';
  return /[.+]gzip$/.test(type) ? 'gzip' : 'none';
}

function layerType(kind: ManifestKind, compression: PlacedLayer['compression']): string {
  const base = kind === 'oci' ? 'application/vnd.oci.image.layer.v1.tar' : 'application/vnd.docker.image.rootfs.diff.tar';
  if (compression === 'none') return base;
  return `${base}${kind === 'oci' ? '+' : '.'}${compression}`;
}

export interface BuiltManifest {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** The manifest that it came with, bit for bit, where that says the same; else the same one each time. */
export function buildManifest(image: OutgoingImage, kind: ManifestKind, layers: readonly PlacedLayer[]): BuiltManifest {
  const { stored } = image;
  const type = kind === 'oci' ? mediaType.ociManifest : mediaType.dockerManifest;
  if (stored && kindOf(stored.manifest.mediaType) === kind && saysTheSame(stored.manifest, image, layers))
    return toBuilt(stored.bytes, stored.manifest.mediaType);
  const annotations = stored && kind === 'oci' ? annotationsOf(stored.document) : undefined;
  const document = {
    schemaVersion: 2,
    mediaType: type,
    config: {
      mediaType: kind === 'oci' ? mediaType.ociConfig : mediaType.dockerConfig,
      digest: image.configDigest,
      size: image.configBytes.length,
    },
    layers: layers.map(({ digest, size, compression }) => ({ mediaType: layerType(kind, compression), digest, size })),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return toBuilt(Buffer.from(JSON.stringify(document)), type);
}

function toBuilt(bytes: Buffer, type: string): BuiltManifest {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest, mediaType: type };
}

function saysTheSame(manifest: ImageManifest, image: OutgoingImage, layers: readonly PlacedLayer[]): boolean {
  return (
    manifest.config.digest === image.configDigest &&
    manifest.layers.length === layers.length &&
    manifest.layers.every(({ digest, size, mediaType: type }, index) => {
      const placed = layers[index];
      return placed?.digest === digest && placed.size === size && compressionOf(type) === placed.compression;
    })
  );
}

function annotationsOf(document: unknown): object | undefined {
  if (typeof document !== 'object' || document === null || !('annotations' in document)) return undefined;
  return document.annotations ?? undefined;
}

/** Docker's media types and OCI's mean the same for manifest, configuration and layers; what has no counterpart cannot be turned over. */
const counterparts: readonly (readonly [string, string])[] = [
  [mediaType.dockerManifest, mediaType.ociManifest],
  [mediaType.dockerConfig, mediaType.ociConfig],
  ['application/vnd.docker.image.rootfs.diff.tar', 'application/vnd.oci.image.layer.v1.tar'],
  [mediaType.dockerLayer, 'application/vnd.oci.image.layer.v1.tar+gzip'],
];

/** The same manifest of another kind. Undefined: as it is. Errors: `unsupported` (zstd for Docker, artifacts), `corrupt`. */
export function toKind(manifest: BuiltManifest, kind: ManifestKind | undefined, what: string): BuiltManifest {
  if (kind === undefined || kindOf(manifest.mediaType) === kind) return manifest;
  const parsed = parseManifest(manifest.bytes, manifest.mediaType, `manifest of ${what}`);
  if (parsed.kind === 'index') throw new EngineError('unsupported', `${what} is a list`);
  const turn = (type: string): string => {
    if (counterparts.some((pair) => pair[kind === 'docker' ? 0 : 1] === type)) return type;
    const found = counterparts.find((pair) => pair[kind === 'docker' ? 1 : 0] === type)?.[kind === 'docker' ? 0 : 1];
    if (found === undefined)
      throw new EngineError(
        'unsupported',
        `${what} has ${type}, for which ${kind === 'docker' ? "Docker's manifests (v2s2) have" : 'OCI has'} no word`,
        {
          fix: 'Leave out --format.',
        },
      );
    return found;
  };
  const entry = ({
    mediaType: type,
    digest,
    size,
  }: {
    readonly mediaType: string;
    readonly digest: Digest;
    readonly size: number;
  }): object => ({ mediaType: turn(type), digest, size });
  const type = kind === 'oci' ? mediaType.ociManifest : mediaType.dockerManifest;
  const document = { schemaVersion: 2, mediaType: type, config: entry(parsed.config), layers: parsed.layers.map(entry) };
  return toBuilt(Buffer.from(JSON.stringify(document)), type);
}
