/** What the images are that a list is to name: in this store, in registries, in archives. */
import * as v from 'valibot';
import { EngineError, isCancelled, isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { type PullSource, type Reference, type Registries, formatReference, parseTransport, withDigest } from '../reference/reference.ts';
import type { FetchedManifest, RegistryClient } from '../registry/registry.ts';
import type { ImageRecord, ListInstance, ListPlatform } from '../state/state.ts';
import { type RegistryOptions, openClient } from './client.ts';
import { parseConfig } from './config-blob.ts';
import { type ImageContext, readRegistries } from './context.ts';
import { parseList } from './list-document.ts';
import { findImage, findRecord, resolveImage, resolveRecord } from './lookup.ts';
import { type Platform, parseManifest } from './manifest.ts';
import { choosePlatform, hostPlatform } from './platform.ts';
import { absolutePath, requireOwnStore } from './transport.ts';

export interface ListSourceOptions extends RegistryOptions {
  /** Of an image that is itself a list: all that it names, instead of the one for this machine. */
  readonly all: boolean;
  /** What paths of transports are relative to. */
  readonly workingDirectory?: string;
  readonly signal?: AbortSignal;
}

export interface FoundManifest {
  readonly reference: Reference;
  readonly source: PullSource;
  readonly manifest: FetchedManifest;
}

/** Parts of a configuration that only lists have use for. */
const platformDetails = v.object({ 'os.version': v.nullish(v.string(), ''), 'os.features': v.nullish(v.array(v.string()), []) });

function toListPlatform({ architecture, os, variant }: Platform, configBytes: Uint8Array): ListPlatform {
  const parsed = v.safeParse(platformDetails, JSON.parse(new TextDecoder().decode(configBytes)));
  const details = parsed.success ? parsed.output : { 'os.version': '', 'os.features': [] };
  return { architecture, os, variant, osVersion: details['os.version'], osFeatures: details['os.features'], features: [] };
}

/** The plain name of what is not here, of any registry that short names are searched in. */
export async function fetchManifest(
  client: RegistryClient,
  registries: Registries,
  name: string,
  { tlsVerify, signal }: Pick<ListSourceOptions, 'tlsVerify' | 'signal'>,
): Promise<FoundManifest> {
  const failures: EngineError[] = [];
  for (const reference of registries.resolveForPull(name).candidates) {
    for (const place of registries.pullSources(reference)) {
      const source = tlsVerify === undefined ? place : { ...place, insecure: !tlsVerify };
      try {
        return { reference, source, manifest: await client.manifest(source, reference.digest ?? reference.tag ?? 'latest', signal) };
      } catch (error) {
        if (isCancelled(error) || !isEngineError(error)) throw error;
        failures.push(error);
      }
    }
  }
  const [first] = failures;
  if (first && failures.length === 1) throw first;
  throw new EngineError(
    'not-found',
    `${name}: none of ${String(failures.length)} places has it: ${failures.map(({ message }) => message).join('; ')}`,
  );
}

export class ListSources {
  readonly #context: ImageContext;
  readonly #options: ListSourceOptions;
  readonly #registries: Registries;

  constructor(context: ImageContext, options: ListSourceOptions) {
    this.#context = context;
    this.#options = options;
    this.#registries = readRegistries(context);
  }

  /** Errors: `not-found`, those of a registry's side, those of `load` for archives. */
  async find(text: string): Promise<readonly ListInstance[]> {
    const { images } = this.#context.state;
    const transport = parseTransport(text);
    if (transport === undefined) {
      const found = findRecord(images, this.#registries, text);
      if (found) return this.#ofRecord(found.record, text);
      return this.#fromRegistry(text);
    }
    if (transport.transport === 'docker') return this.#fromRegistry(text);
    if (transport.transport === 'containers-storage') {
      requireOwnStore(this.#context, transport);
      return this.#ofRecord(resolveRecord(images, this.#registries, transport.name).record, transport.name);
    }
    const from = absolutePath(transport, this.#options.workingDirectory);
    const { loadImages } = await import('./load.ts');
    const { signal, all } = this.#options;
    const loaded = await loadImages(this.#context, from.path, {
      from,
      names: [],
      everyPlatform: all,
      ...(signal === undefined ? {} : { signal }),
    });
    return loaded.map(({ record }) => this.#ofImage(record));
  }

  #ofRecord(record: ImageRecord, text: string): readonly ListInstance[] {
    if (!record.list) return [this.#ofImage(record)];
    if (this.#options.all) return record.list.instances;
    const { record: image } = resolveImage(this.#context.state.images, this.#registries, text);
    const named = record.list.instances.find((one) => one.image?.id === image.id);
    return [named ?? this.#ofImage(image)];
  }

  #ofImage({ id, manifestDigest, chainIds, names, repoDigests }: ImageRecord): ListInstance {
    const { blobs } = this.#context;
    if (manifestDigest === undefined) throw new EngineError('corrupt', `image ${names[0] ?? id.slice(0, 12)} has no manifest`);
    const bytes = blobs.get(manifestDigest);
    const configBytes = blobs.get(`sha256:${id}` as Digest);
    const { mediaType } = parseManifest(bytes, '', `manifest of ${names[0] ?? id}`);
    const platform = toListPlatform(parseConfig(configBytes, id).platform, configBytes);
    return {
      digest: manifestDigest,
      size: bytes.length,
      mediaType,
      platform,
      annotations: {},
      image: { id, manifestDigest, chainIds, repoDigests },
      source: undefined,
    };
  }

  async #fromRegistry(text: string): Promise<readonly ListInstance[]> {
    await using client = openClient(this.#context, this.#registries, this.#options, () => undefined);
    const found = await fetchManifest(client, this.#registries, text, this.#options);
    const name = formatReference(found.reference);
    const { bytes, contentType } = found.manifest;
    const parsed = parseManifest(bytes, contentType, `manifest of ${name}`);
    if (parsed.kind === 'manifest') return [await this.#ofRemote(client, found, found.manifest)];
    const { entries } = parseList(bytes, contentType, `index of ${name}`);
    const place = (digest: Digest): string => formatReference(withDigest(found.reference, digest));
    if (this.#options.all) return entries.map((entry) => ({ ...entry, image: undefined, source: place(entry.digest) }));
    const { digest } = choosePlatform(parsed, hostPlatform(), name);
    const entry = entries.find((one) => one.digest === digest);
    // Its platform is what the index says, as far as it says one.
    const chosen = await this.#ofRemote(client, found, await client.manifest(found.source, digest, this.#options.signal));
    return [entry && entry.platform.architecture !== '' ? { ...chosen, platform: entry.platform } : chosen];
  }

  async #ofRemote(
    client: RegistryClient,
    { reference, source }: FoundManifest,
    { bytes, digest, contentType }: FetchedManifest,
  ): Promise<ListInstance> {
    const name = formatReference(withDigest(reference, digest));
    const manifest = parseManifest(bytes, contentType, `manifest of ${name}`);
    if (manifest.kind !== 'manifest') throw new EngineError('unsupported', `${name} is a list of lists`);
    const configBytes = await client.config(source, manifest.config.digest, manifest.config.size, this.#options.signal);
    const platform = toListPlatform(parseConfig(configBytes, name).platform, configBytes);
    return { digest, size: bytes.length, mediaType: manifest.mediaType, platform, annotations: {}, image: undefined, source: name };
  }
}

/** By the digest that a list has of it, or by an image's name: then it is the digest of that image's manifest. */
export function digestOfInstance(context: ImageContext, registries: Registries, text: string): Digest | undefined {
  const digested = /^(?:sha256:)?([0-9a-f]{64})$/.exec(text)?.[1];
  if (text.startsWith('sha256:') || digested !== undefined) return digested === undefined ? undefined : (`sha256:${digested}` as Digest);
  return findImage(context.state.images, registries, text)?.record.manifestDigest;
}
