/** From images in the store to archives and folders that Podman, Docker and skopeo read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { formatReference, isShortName, parseReference, withDefaultTag } from '../reference/reference.ts';
import { type Compression, compress } from './compress.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { SaveOptions, SavedImage } from './image.ts';
import { resolveImage } from './lookup.ts';
import { parseJson, parseManifest } from './manifest.ts';
import { mediaType } from './media-type.ts';
import { type BuiltManifest, type OutgoingImage, type OutgoingLayer, type PlacedLayer, buildManifest, toOutgoing } from './outgoing.ts';
import { reportLayer } from './progress.ts';
import { type PlacedBlob, type SaveTarget, openFolderTarget, openSpoolTarget, openTarTarget } from './save-target.ts';

interface NamedImage {
  readonly image: OutgoingImage;
  readonly names: readonly string[];
}

async function* one(bytes: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
}

const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);
const ociBlob = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

/** See ImageStore.save. */
export async function saveImages(context: ImageContext, nameOrIds: readonly string[], options: SaveOptions): Promise<SavedImage[]> {
  const images = collectFor(context, nameOrIds, options);
  await using target = await openTarget(options.format, options.path);
  return await write(context, images, target, options);
}

/** An archive without a place of its own; disposing it leaves nothing. */
export interface SpooledSave extends AsyncDisposable {
  readonly images: readonly SavedImage[];
  readonly sizeBytes: number;
  /** All of it, once. */
  readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** See ImageStore.saveForSending. Written down first: an archive is written from two ends, and one that cannot be made should not be begun. */
export async function saveForSending(context: ImageContext, nameOrIds: readonly string[], options: SendOptions): Promise<SpooledSave> {
  if (options.format !== 'docker-archive' && options.format !== 'oci-archive')
    throw new EngineError('invalid-argument', `${options.format} is a folder, which cannot be sent`, { details: { field: 'format' } });
  const images = collectFor(context, nameOrIds, options);
  const target = await openSpoolTarget(context);
  try {
    const saved = await write(context, images, target, options);
    return { images: saved, ...(await target.content()), [Symbol.asyncDispose]: () => target[Symbol.asyncDispose]() };
  } catch (error) {
    await target[Symbol.asyncDispose]();
    throw error;
  }
}

type SendOptions = Omit<SaveOptions, 'path'>;

function collectFor(context: ImageContext, nameOrIds: readonly string[], options: SendOptions): readonly NamedImage[] {
  throwIfAborted(options.signal);
  const images = collect(context, nameOrIds, options);
  const [first] = images;
  if (!first) throw new EngineError('invalid-argument', 'no image is named', { details: { field: 'images' } });
  if (images.length > 1 && options.format !== 'docker-archive')
    throw new EngineError('invalid-argument', `several images go into one docker-archive, not into ${options.format}`, {
      details: { field: 'format' },
    });
  return images;
}

async function write(
  context: ImageContext,
  images: readonly NamedImage[],
  target: SaveTarget,
  options: SendOptions,
): Promise<SavedImage[]> {
  const save = new Save(context, target, options);
  if (options.format === 'docker-archive') await save.dockerArchive(images);
  else for (const image of images) await (options.format === 'docker-dir' ? save.dockerDirectory(image.image) : save.ociLayout(image));
  throwIfAborted(options.signal);
  await target.finish();
  const saved = images.map(({ image: { record }, names }) => ({ id: record.id, name: names[0] ?? record.id }));
  for (const { id, name } of saved) context.state.events.append({ type: 'image', status: 'save', id, name });
  return saved;
}

function openTarget(format: SaveOptions['format'], path: string): Promise<SaveTarget> {
  if (format === 'oci-dir') return openFolderTarget(path, 'layout');
  return format === 'docker-dir' ? openFolderTarget(path, 'directory') : openTarTarget(path);
}

/** Named twice, an image is there once, with both names. An id gives no name, as in Podman. */
function collect(context: ImageContext, nameOrIds: readonly string[], options: SendOptions): NamedImage[] {
  const registries = readRegistries(context);
  const found = new Map<string, { readonly image: OutgoingImage; readonly names: string[] }>();
  for (const text of nameOrIds) {
    const { record, name } = resolveImage(context.state.images, registries, text);
    const entry = found.get(record.id) ?? { image: toOutgoing(context, record), names: [] };
    found.set(record.id, entry);
    if (options.withoutName !== true && record.names.includes(name) && !entry.names.includes(name)) entry.names.push(name);
  }
  const [first] = found.values();
  for (const name of (options.names ?? []).map((one) => nameIn(options.format, one)))
    if (first && !first.names.includes(name)) first.names.push(name);
  return [...found.values()];
}

/** In Docker's archives names are references; in an OCI layout they are what people choose. */
function nameIn(format: SaveOptions['format'], name: string): string {
  if (format === 'oci-archive' || format === 'oci-dir') return name;
  return formatReference(withDefaultTag(parseReference(isShortName(name) ? `localhost/${name}` : name)));
}

class Save {
  readonly #context: ImageContext;
  readonly #target: SaveTarget;
  readonly #options: SendOptions;

  constructor(context: ImageContext, target: SaveTarget, options: SendOptions) {
    this.#context = context;
    this.#target = target;
    this.#options = options;
  }

  async dockerArchive(images: readonly NamedImage[]): Promise<void> {
    const nameOf = (digest: Digest): string => `${hexOf(digest)}.tar`;
    for (const { image } of images) {
      for (const layer of image.layers) await this.#layer(layer, undefined, nameOf);
      await this.#config(image, () => `${image.record.id}.json`);
    }
    const entries = images.map(({ image, names }) => ({
      Config: `${image.record.id}.json`,
      RepoTags: names,
      Layers: image.layers.map(({ diffId }) => nameOf(diffId)),
    }));
    await this.#file('manifest.json', JSON.stringify(entries));
    for (const { image } of images) {
      const plain = image.layers.map(({ diffId, sizeBytes }) => ({ digest: diffId, size: sizeBytes, compression: 'none' as const }));
      this.#tellManifest(buildManifest(image, 'docker', plain));
    }
  }

  /** What c/image calls `dir`: blobs by their digests and one manifest.json. */
  async dockerDirectory(image: OutgoingImage): Promise<void> {
    const compression: Compression | undefined = this.#options.compress === true ? { format: 'gzip' } : undefined;
    const layers: PlacedLayer[] = [];
    for (const layer of image.layers) layers.push(await this.#layer(layer, compression, hexOf));
    await this.#config(image, hexOf);
    const manifest = buildManifest(image, 'docker', layers);
    await this.#file('manifest.json', manifest.bytes);
    this.#tellManifest(manifest);
    await this.#file('version', 'Directory Transport Version: 1.1\n');
  }

  async ociLayout({ image, names }: NamedImage): Promise<void> {
    const compression: Compression | undefined = this.#options.uncompressed === true ? undefined : { format: 'gzip' };
    const layers: PlacedLayer[] = [];
    for (const layer of image.layers) layers.push(await this.#layer(layer, compression, ociBlob));
    await this.#config(image, ociBlob);
    const manifest = buildManifest(image, 'oci', layers);
    const { digest, size } = await this.#target.put(one(manifest.bytes), ociBlob);
    this.#tellManifest(manifest);
    const [name] = names;
    const annotations = name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
    const entry = { mediaType: manifest.mediaType, digest, size, ...annotations };
    const present = this.#options.format === 'oci-dir' ? presentEntries(this.#target.path) : [];
    const kept = present.filter((other) => refNameOf(other) !== name || (name === undefined && digestOf(other) !== digest));
    await this.#file('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    // Last: it makes the rest visible.
    await this.#file('index.json', JSON.stringify({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [...kept, entry] }));
  }

  /** An archive of Docker's has none: then the one that a copy of it would get. */
  #tellManifest({ digest }: BuiltManifest): void {
    this.#options.onProgress?.({ kind: 'manifest', digest });
  }

  async #layer(
    { chainId, diffId, sizeBytes }: OutgoingLayer,
    compression: Compression | undefined,
    nameOf: (digest: Digest) => string,
  ): Promise<PlacedLayer> {
    const progress = reportLayer(diffId, sizeBytes, this.#options.onProgress, 'copying');
    if (compression === undefined && this.#target.has(nameOf(diffId))) {
      progress.state('present');
      return { digest: diffId, size: sizeBytes, compression: 'none' };
    }
    progress.state('copying');
    const tar = counted(this.#context.layers.read(chainId, this.#options.signal), (bytes) => {
      progress.bytes(bytes);
    });
    const blob = compression ? await this.#target.put(compress(tar, compression), nameOf) : await this.#target.put(tar, nameOf, diffId);
    progress.state('done');
    return { ...blob, compression: compression?.format ?? 'none' };
  }

  async #config(image: OutgoingImage, nameOf: (digest: Digest) => string): Promise<PlacedBlob> {
    const blob = await this.#target.put(one(image.configBytes), nameOf);
    this.#options.onProgress?.({ kind: 'config', digest: blob.digest });
    return blob;
  }

  async #file(name: string, content: string | Uint8Array): Promise<void> {
    await this.#target.put(one(content), () => name);
  }
}

/** Of a layout that is there and is added to, bit for bit. Errors: `corrupt`. */
function presentEntries(path: string): readonly unknown[] {
  const file = join(path, 'index.json');
  if (!existsSync(file)) return [];
  const what = `index.json of ${path}`;
  const bytes = readFileSync(file);
  if (parseManifest(bytes, mediaType.ociIndex, what).kind !== 'index') throw new EngineError('corrupt', `${what} is no index`);
  return (parseJson(bytes, what) as { readonly manifests: readonly unknown[] }).manifests;
}

function refNameOf(entry: unknown): string | undefined {
  return (entry as { readonly annotations?: Readonly<Record<string, string>> | null }).annotations?.['org.opencontainers.image.ref.name'];
}

function digestOf(entry: unknown): string {
  return (entry as { readonly digest: string }).digest;
}

/** Tells how many bytes went by. */
export async function* counted(chunks: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    onBytes(bytes);
  }
}
