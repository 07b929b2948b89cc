/** An OCI image layout (image-spec image-layout.md), as a folder or in a tar. */
import { createHash } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { Archive, MemberReader } from './archive.ts';
import { parseConfig } from './config-blob.ts';
import type { LoadableImage } from './load.ts';
import { nameToGive } from './lookup.ts';
import { type Descriptor, type ImageIndex, type ImageManifest, type Platform, parseManifest } from './manifest.ts';
import { mediaType } from './media-type.ts';
import { choosePlatform, hostPlatform } from './platform.ts';

function findBlob(archive: Archive, digest: Digest): MemberReader {
  const member = archive.find(`blobs/sha256/${digest.slice('sha256:'.length)}`);
  if (!member) throw new EngineError('corrupt', `${archive.path} lacks blob ${digest}`);
  return member;
}

function readBlob(archive: Archive, { digest, size }: Descriptor): Buffer {
  const bytes = findBlob(archive, digest).bytes();
  const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (actual !== digest || bytes.length !== size)
    throw new EngineError('digest-mismatch', `blob ${digest} of ${archive.path} has other content than its digest says`);
  return bytes;
}

interface Found {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly manifest: ImageManifest;
}

/** What of a layout is wanted. */
export interface LayoutChoice {
  /** What its index calls it. */
  readonly name?: string | undefined;
  /** In its index, from 0. */
  readonly position?: number | undefined;
  readonly platform?: Platform | undefined;
  /** More than one without a name that chooses is an error, and not all of them. */
  readonly one?: boolean;
  /** Of an index every image, not only the one for a platform. */
  readonly everyPlatform?: boolean;
}

function choose(archive: Archive, descriptor: Descriptor, choice: LayoutChoice, depth: number): Found[] {
  const bytes = readBlob(archive, descriptor);
  const parsed = parseManifest(bytes, descriptor.mediaType, `manifest ${descriptor.digest} of ${archive.path}`);
  if (parsed.kind === 'manifest') return [{ descriptor, bytes, manifest: parsed }];
  if (depth === 3) throw new EngineError('corrupt', `an index of ${archive.path} leads to indexes without end`);
  const chosen =
    choice.everyPlatform === true ? parsed.manifests : [choosePlatform(parsed, choice.platform ?? hostPlatform(), archive.path)];
  return chosen.flatMap((entry) => choose(archive, entry, choice, depth + 1));
}

function nameOf({ annotations }: Descriptor): string[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'] ?? '';
  return name === '' ? [] : [nameToGive(name)];
}

/** One image each, unless all are the same image for several machines. */
function roots(archive: Archive, index: ImageIndex, choice: LayoutChoice): readonly Descriptor[] {
  const { name, position, platform = hostPlatform(), everyPlatform = false } = choice;
  if (name !== undefined || position !== undefined) return chosenRoots(archive, index, choice);
  const named = index.manifests.some((entry) => nameOf(entry).length > 0);
  const manyPlatforms = index.manifests.length > 1 && index.manifests.every((entry) => entry.platform);
  if (!named && manyPlatforms) return everyPlatform ? index.manifests : [choosePlatform(index, platform, archive.path)];
  if (choice.one === true && index.manifests.length > 1)
    throw new EngineError('ambiguous', `more than one image in ${archive.path}, choose an image`, { fix: `It has: ${refNames(index)}.` });
  return index.manifests;
}

/** A layout may have one name for several machines. */
function chosenRoots(
  archive: Archive,
  index: ImageIndex,
  { name, position, platform = hostPlatform(), everyPlatform }: LayoutChoice,
): readonly Descriptor[] {
  if (position !== undefined) {
    const found = index.manifests[position];
    if (!found)
      throw new EngineError('not-found', `${archive.path} has no image ${String(position)}; there are ${String(index.manifests.length)}`);
    return [found];
  }
  const named = index.manifests.filter(({ annotations }) => annotations['org.opencontainers.image.ref.name'] === name);
  if (named.length === 0)
    throw new EngineError('not-found', `no descriptor found for reference ${JSON.stringify(name)} in ${archive.path}`, {
      fix: `It has: ${refNames(index)}.`,
    });
  if (named.length === 1 || everyPlatform === true) return named;
  return [choosePlatform({ ...index, manifests: named }, platform, archive.path)];
}

function refNames(index: ImageIndex): string {
  const names = index.manifests.flatMap(({ annotations }) => annotations['org.opencontainers.image.ref.name'] ?? []);
  return names.length === 0 ? 'no names at all' : [...new Set(names)].slice(0, 20).join(', ');
}

function toImage(archive: Archive, root: Descriptor, { bytes, manifest }: Found): LoadableImage {
  const configBytes = readBlob(archive, manifest.config);
  const config = parseConfig(configBytes, archive.path);
  if (config.diffIds.length !== manifest.layers.length)
    throw new EngineError(
      'corrupt',
      `${archive.path} has ${String(manifest.layers.length)} layers for an image of ${String(config.diffIds.length)}`,
    );
  const layers = manifest.layers.map((layer, index) => ({
    member: findBlob(archive, layer.digest),
    diffId: config.diffIds[index] as Digest,
    blobDigest: layer.digest,
  }));
  return { configBytes, config, manifestBytes: bytes, names: nameOf(root), layers };
}

/** Undefined when it is no such layout. Errors: `corrupt`, `digest-mismatch`, `unsupported`, `not-found` (name, position, platform). */
export function readOciLayout(archive: Archive, choice: LayoutChoice = {}): LoadableImage[] | undefined {
  const file = archive.find('index.json');
  if (!file) return undefined;
  const index = parseManifest(file.bytes(), mediaType.ociIndex, `index.json of ${archive.path}`);
  if (index.kind !== 'index' || index.manifests.length === 0)
    throw new EngineError('corrupt', `index.json of ${archive.path} names no image`);
  return roots(archive, index, choice).flatMap((root) => choose(archive, root, choice, 0).map((found) => toImage(archive, root, found)));
}
