/** From an archive or a folder to images in the store. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { type PolicyScope, checkPolicy, decidePolicy, pathScopes, verifyPolicy } from '../registry/registry.ts';
import { type TransportReference, formatReference, parseReference, withDefaultTag } from '../reference/reference.ts';
import { readFolder } from '../signature/signature.ts';
import { type Archive, type MemberReader, openArchive } from './archive.ts';
import type { ParsedConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';
import { readDockerArchive } from './docker-archive.ts';
import { readDockerDirectory } from './docker-directory.ts';
import type { LoadOptions, ResolvedImage } from './image.ts';
import { readOciLayout } from './oci-layout.ts';
import { parsePlatform } from './platform.ts';
import { storeImage } from './store-image.ts';

export type ArchiveReference = Exclude<TransportReference, { readonly transport: 'docker' | 'containers-storage' }>;
type DockerArchiveReference = Extract<TransportReference, { readonly transport: 'docker-archive' }>;

export interface LoadableLayer {
  readonly member: MemberReader;
  readonly diffId: Digest;
  /** Of the member's bytes, where the archive says it. */
  readonly blobDigest: Digest | undefined;
}

export interface LoadableImage {
  readonly configBytes: Buffer;
  readonly config: ParsedConfig;
  readonly manifestBytes: Buffer;
  readonly names: readonly string[];
  readonly layers: readonly LoadableLayer[];
}

function hexOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface ReadImages {
  readonly images: LoadableImage[];
  readonly transport: PolicyScope['transport'];
}

/** Only what was asked for: another kind of archive at that place is an error. */
function readAs(archive: Archive, from: ArchiveReference, { platform, everyPlatform = false }: LoadOptions): ReadImages {
  const { transport } = from;
  const folder = transport === 'oci' || transport === 'dir';
  if (archive.isFolder !== folder)
    throw new EngineError('corrupt', `${archive.path} is ${folder ? 'no folder' : 'a folder'}, and so no ${transport}:`);
  const choice = { ...from, one: true, everyPlatform, platform: platform === undefined ? undefined : parsePlatform(platform) };
  const images =
    transport === 'docker-archive'
      ? readDockerArchive(archive)?.flatMap((image, position) => pickFromDocker(image, position, from))
      : transport === 'dir'
        ? readDockerDirectory(archive)
        : readOciLayout(archive, choice);
  if (!images) throw new EngineError('corrupt', `${archive.path} is no ${transport}:`, { fix: 'Look what made it, and name that.' });
  if (images.length === 0) throw new EngineError('not-found', `${archive.path} has no image ${JSON.stringify(describeChoice(from))}`);
  return { images, transport };
}

function describeChoice(from: ArchiveReference): string {
  if (from.transport === 'dir') return '';
  return from.name ?? (from.position === undefined ? '' : `@${String(from.position)}`);
}

function pickFromDocker(image: LoadableImage, at: number, { name, position }: DockerArchiveReference): LoadableImage[] {
  if (position !== undefined) return position === at ? [image] : [];
  if (name === undefined) return [image];
  const wanted = formatReference(withDefaultTag(parseReference(name)));
  return image.names.includes(wanted) ? [{ ...image, names: [wanted] }] : [];
}

function readImages(archive: Archive): ReadImages {
  const docker = archive.isFolder ? undefined : readDockerArchive(archive);
  if (docker) return { images: docker, transport: 'docker-archive' };
  const oci = readOciLayout(archive);
  if (oci) return { images: oci, transport: archive.isFolder ? 'oci' : 'oci-archive' };
  const directory = archive.isFolder ? readDockerDirectory(archive) : undefined;
  if (directory) return { images: directory, transport: 'dir' };
  throw new EngineError('corrupt', `${archive.path} holds no images: it has neither manifest.json nor index.json`, {
    fix: 'Give an archive made by docker save, podman save or skopeo, or an OCI layout.',
  });
}

/** The image that comes with the product. */
export function starterArchive(resources: string): string {
  return join(resources, 'starter-image/starter.tar');
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    // The one that has to be there was opened before.
    return false;
  }
}

/** See ImageStore.load. Images before a failing one stay. */
export async function loadImages(context: ImageContext, path: string, options: LoadOptions): Promise<ResolvedImage[]> {
  throwIfAborted(options.signal);
  context.system.files.ensureDirectory(context.downloads.directory, 0o700);
  const { shownAs = path, signal } = options;
  await using archive = await openArchive(path, { spoolFolder: context.downloads.directory, shownAs, signal });
  const { images, transport } = options.from ? readAs(archive, options.from, options) : readImages(archive);
  // By what it is, not by how one came there; what was sent lies nowhere.
  const scopes = transport === 'docker-archive' || options.shownAs !== undefined ? [] : pathScopes(realpathSync(path));
  // The starter image has to work on a machine without a policy: whoever could exchange it could exchange Selkie itself.
  const own = isSameFile(path, starterArchive(context.config.resources));
  await checkTrust(context, { transport, scopes, name: shownAs, own }, images, options);
  const loaded: ResolvedImage[] = [];
  for (const read of images) {
    const image = options.names === undefined ? read : { ...read, names: options.names };
    const record = await storeImage(context, image, { object: shownAs, event: { status: 'loadfromarchive', name: shownAs } }, options);
    loaded.push({ record, name: image.names[0] ?? record.id });
  }
  return loaded;
}

/** Of these transports only dir: carries signatures, and none of them a name that could have been signed. */
async function checkTrust(
  { system }: ImageContext,
  scope: PolicyScope,
  images: readonly LoadableImage[],
  { signal }: LoadOptions,
): Promise<void> {
  const files = { homeDirectory: system.identity.homeDirectory };
  if (scope.transport !== 'dir') {
    checkPolicy(scope, files);
    return;
  }
  const decision = decidePolicy(scope, files);
  for (const { manifestBytes } of images) {
    const digest = `sha256:${hexOf(manifestBytes)}` as Digest;
    await verifyPolicy(decision, scope.name, { digest, reference: undefined, signatures: readFolder(scope.name) }, system, signal);
  }
}
