/**
 * Podman's store, as containers/storage lays it out: DRIVER-images/images.json with the documents of each image in a folder, DRIVER-layers/layers.json
 * with tar-split data, and the files in overlay/ID/diff or vfs/dir/ID. It may be in use, also by others: no lock is taken, since that would write, and
 * what goes away meanwhile is an error of the image that it belonged to.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import { type AdoptableImage, type AdoptableLayer, parseConfig, parseManifest } from '../image/image.ts';
import { readDocument, readJson } from './documents.ts';
import { type ForeignImage, type ForeignStore, type ForeignVolume, isHex, namesOf, toAdoptableLayer } from './foreign-store.ts';
import { tarBytesOf } from './tar-split.ts';

const texts = v.nullish(v.array(v.string()), []);
const imageEntry = v.object({
  id: v.string(),
  digest: v.nullish(v.string(), ''),
  names: texts,
  layer: v.nullish(v.string(), ''),
  'big-data-names': texts,
  'big-data-digests': v.nullish(v.record(v.string(), v.string()), {}),
});
const layerEntry = v.object({
  id: v.string(),
  parent: v.nullish(v.string(), ''),
  'diff-digest': v.nullish(v.string(), ''),
  'diff-size': v.nullish(v.number(), 0),
  'compressed-diff-digest': v.nullish(v.string(), ''),
});
type ImageEntry = v.InferOutput<typeof imageEntry>;
type LayerEntry = v.InferOutput<typeof layerEntry>;
type Layers = ReadonlyMap<string, LayerEntry>;

const readableDrivers = ['overlay', 'vfs'] as const;
type Driver = (typeof readableDrivers)[number];

/** Errors: `not-found` when there is none, `denied`, `corrupt`, `unsupported` (another storage driver). */
export function readPodmanStore(root: string, system: Pick<System, 'attributes'>): ForeignStore {
  const drivers = readableDrivers.filter((driver) => existsSync(join(root, `${driver}-images`, 'images.json')));
  const volumes = volumesIn(join(root, 'volumes'));
  if (drivers.length === 0 && volumes.length === 0) throw noStore(root);
  const images = drivers.flatMap((driver) => {
    let layers: Layers | undefined;
    const layersOf = (): Layers => (layers ??= readLayers(root, driver));
    const entries = readJson(join(root, `${driver}-images`, 'images.json'), v.nullable(v.array(imageEntry))) ?? [];
    return entries.filter(({ id }) => isHex(id)).map((entry) => new PodmanImage(root, driver, entry, layersOf, system.attributes));
  });
  return { root, drivers, images, volumes };
}

function noStore(root: string): EngineError {
  const entries = existsSync(root) ? readdirSync(root) : [];
  const other = entries.find((name) => /^(btrfs|zfs|aufs|devicemapper)-images$/.test(name));
  if (other !== undefined)
    return new EngineError('unsupported', `${root} is a store of the driver ${other.replace('-images', '')}; overlay and vfs can be read`, {
      fix: 'save the images there, and load them: podman save -m -o images.tar IMAGE…; selkie load -i images.tar',
    });
  return new EngineError('not-found', `there is no image and no volume of Podman's in ${root}`, {
    fix: 'name the place by --root, as podman info --format "{{.Store.GraphRoot}}" tells it',
  });
}

function readLayers(root: string, driver: Driver): Layers {
  const entries = readJson(join(root, `${driver}-layers`, 'layers.json'), v.nullable(v.array(layerEntry))) ?? [];
  return new Map(entries.filter(({ id }) => isHex(id)).map((entry) => [entry.id, entry]));
}

function volumesIn(directory: string): ForeignVolume[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, '_data')))
    .map(({ name }) => ({ name, path: join(directory, name, '_data') }));
}

class PodmanImage implements ForeignImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  readonly #root: string;
  readonly #driver: Driver;
  readonly #entry: ImageEntry;
  readonly #layers: () => Layers;
  readonly #attributes: System['attributes'];

  constructor(root: string, driver: Driver, entry: ImageEntry, layers: () => Layers, attributes: System['attributes']) {
    this.id = entry.id;
    const manifests = Object.entries(entry['big-data-digests']).flatMap(([key, digest]) => (/^manifest(-|$)/.test(key) ? [digest] : []));
    ({ names: this.names, repoDigests: this.repoDigests } = namesOf(
      entry.names,
      [...new Set([entry.digest, ...manifests])].filter(isDigest),
    ));
    this.#root = root;
    this.#driver = driver;
    this.#entry = entry;
    this.#layers = layers;
    this.#attributes = attributes;
  }

  async open(signal: AbortSignal | undefined): Promise<AdoptableImage> {
    const origin = `image ${this.names[0] ?? this.id.slice(0, 12)} of ${this.#root}`;
    const manifestBytes = this.#document('manifest', this.#entry['big-data-digests']['manifest'] ?? this.#entry.digest);
    if (!manifestBytes) throw new EngineError('corrupt', `${origin} has no manifest`);
    const manifest = parseManifest(manifestBytes, '', `the manifest of ${origin}`);
    if (manifest.kind === 'index')
      throw new EngineError('unsupported', 'it is a list of images for several platforms', {
        fix: 'make it again: selkie manifest create',
      });
    const configBytes = this.#document(manifest.config.digest, manifest.config.digest);
    if (!configBytes) throw new EngineError('corrupt', `${origin} has no configuration ${manifest.config.digest}`);
    const { diffIds } = parseConfig(configBytes, origin);
    const blobs = manifest.layers.length === diffIds.length ? manifest.layers : [];
    const layers: AdoptableLayer[] = [];
    for (const [index, entry] of this.#chain(diffIds.length).entries())
      layers.push(await this.#layer(entry, diffIds[index] as Digest, blobs[index], signal));
    const { names, repoDigests } = this;
    return { origin, transport: 'containers-storage', configBytes, manifestBytes, indexBytes: this.#index(), names, repoDigests, layers };
  }

  /** From the bottom up. */
  #chain(length: number): LayerEntry[] {
    const chain: LayerEntry[] = [];
    const all = this.#layers();
    for (let id = this.#entry.layer; id !== ''; ) {
      const entry = all.get(id);
      if (!entry) throw new EngineError('corrupt', `its layer ${id.slice(0, 12)} is not in ${this.#root}`);
      chain.unshift(entry);
      if (chain.length > length) break;
      id = entry.parent;
    }
    if (chain.length !== length)
      throw new EngineError('corrupt', `it lies on ${String(chain.length)} layers there, and its configuration names ${String(length)}`);
    return chain;
  }

  async #layer(
    entry: LayerEntry,
    diffId: Digest,
    blob: { readonly digest: Digest; readonly size: number } | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AdoptableLayer> {
    throwIfAborted(signal);
    const directory = this.#driver === 'vfs' ? join(this.#root, 'vfs', 'dir', entry.id) : join(this.#root, this.#driver, entry.id, 'diff');
    const tarSplit = join(this.#root, `${this.#driver}-layers`, `${entry.id}.tar-split.gz`);
    if (!existsSync(tarSplit))
      throw new EngineError('unsupported', `its layer ${diffId} has no tar-split data, so that its archive cannot be put together again`);
    const known = entry['diff-digest'] === diffId && entry['diff-size'] > 0;
    const sizeBytes = known ? entry['diff-size'] : await tarBytesOf(tarSplit);
    const isKnownBlob = blob && entry['diff-digest'] === diffId && entry['compressed-diff-digest'] === blob.digest;
    const layer = { diffId, sizeBytes, blob: isKnownBlob ? { digest: blob.digest, sizeBytes: blob.size } : undefined };
    return toAdoptableLayer(this.#attributes, { directory, tarSplit }, layer, signal);
  }

  /** The one that its manifest was chosen from. */
  #index(): Buffer | undefined {
    for (const key of this.#entry['big-data-names']) {
      if (!key.startsWith('manifest-sha256:')) continue;
      const bytes = this.#document(key, key.slice('manifest-'.length));
      if (bytes && parseManifest(bytes, '', key).kind === 'index') return bytes;
    }
    return undefined;
  }

  #document(key: string, digest: string | undefined): Buffer | undefined {
    // containers/storage, images.go: what could be no file's name everywhere is written in base64.
    const name = /^[.0-9a-z]+$/.test(key) ? key : `=${Buffer.from(key).toString('base64')}`;
    const bytes = readDocument(join(this.#root, `${this.#driver}-images`, this.id, name));
    if (bytes && isDigest(digest) && `sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest)
      throw new EngineError('corrupt', `its ${key} was changed: it should have the digest ${digest}`);
    return bytes;
  }
}

function isDigest(text: string | undefined): text is Digest {
  return text !== undefined && text.startsWith('sha256:') && isHex(text.slice('sha256:'.length));
}
