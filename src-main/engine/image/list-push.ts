/** From a list to a registry: first what its images need and they themselves by digest, then the index under its tag. */
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import {
  type PullSource,
  type Reference,
  type Registries,
  formatReference,
  parseReference,
  repositoryName,
} from '../reference/reference.ts';
import {
  type RegistryClient,
  type RepositoryWriter,
  decidePolicy,
  dockerScopes,
  findSignatures,
  verifyPolicy,
} from '../registry/registry.ts';
import type { ListInstance } from '../state/state.ts';
import { openClient } from './client.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { PushOptions, PushedImage } from './image.ts';
import { type BuiltList, type ListContent, type ListEntry, type ListKind, buildList, preferredKind } from './list-document.ts';
import { resolveList } from './list.ts';
import { type Descriptor, parseReferences } from './manifest.ts';
import { toKind } from './outgoing.ts';
import { reportLayer } from './progress.ts';
import { toDestination } from './push-destination.ts';
import { Push } from './push.ts';

export interface ListPushOptions extends PushOptions {
  /** With the images; without them the registry has to have them already. */
  readonly all: boolean;
}

export class ListPush {
  readonly #context: ImageContext;
  readonly #options: ListPushOptions;
  readonly #registries: Registries;
  readonly #push: Push;

  constructor(context: ImageContext, options: ListPushOptions) {
    this.#context = context;
    this.#options = options;
    this.#registries = readRegistries(context);
    this.#push = new Push(context, options);
  }

  /** See ImageStore.pushList. */
  async run(name: string, destination: string | undefined): Promise<PushedImage> {
    const { signal, all, tlsVerify } = this.#options;
    throwIfAborted(signal);
    const { id, names, list } = resolveList(this.#context, name);
    const { reference, target } = toDestination(this.#registries, destination ?? names[0] ?? id, id, tlsVerify);
    await using client = this.#openClient(this.#options);
    const mountFrom = list.instances.flatMap(({ source }) => repositoryFor(source, target));
    const writer = await client.writer(target, [...new Set(mountFrom)].filter((from) => from !== target.repository).slice(0, 3));
    const instances: ListEntry[] = [];
    for (const instance of list.instances) {
      throwIfAborted(signal);
      instances.push(all ? await this.#sendInstance(client, writer, instance, target) : instance);
    }
    throwIfAborted(signal);
    const built = await this.#putList(writer, { ...list, instances }, reference);
    const shown = formatReference(reference);
    this.#context.state.events.append({ type: 'image', status: 'push', id, name: shown });
    return { id, name: shown, digest: built.digest };
  }

  /** Answers the instance as it is called there: what was compressed on its way has another digest. */
  async #sendInstance(client: RegistryClient, writer: RepositoryWriter, instance: ListInstance, target: PullSource): Promise<ListEntry> {
    const { image, source } = instance;
    if (image) {
      const { digest, bytes, mediaType: type } = await this.#push.sendInstance(client, image, target);
      return { ...instance, digest, size: bytes.length, mediaType: type };
    }
    if (source === undefined) throw new EngineError('corrupt', `the list does not say where ${instance.digest} is`);
    return this.#copy(writer, instance, parseReference(source), target);
  }

  async #copy(writer: RepositoryWriter, instance: ListInstance, reference: Reference, target: PullSource): Promise<ListEntry> {
    const { signal } = this.#options;
    const name = formatReference(reference);
    const { system } = this.#context;
    const decision = decidePolicy(
      { transport: 'docker', scopes: dockerScopes(name, repositoryName(reference)), name },
      { homeDirectory: system.identity.homeDirectory },
    );
    // What was given for the destination is not told to another registry.
    const { credentials: _, ...others } = this.#options;
    await using client = this.#openClient(reference.registry === target.registry ? this.#options : others);
    const { source, manifest } = await this.#find(client, reference, instance.digest);
    if (decision.requirements.length > 0) {
      const { digest } = manifest;
      const signatures = await findSignatures({ client, source, tag: reference.tag, digest, folders: system.identity, signal });
      await verifyPolicy(decision, name, { digest, reference, signatures }, system, signal);
    }
    const { config, layers } = parseReferences(manifest.bytes, `manifest of ${name}`);
    const kind = this.#options.format === undefined ? undefined : this.#options.format === 'oci' ? 'oci' : 'docker';
    const built = toKind(
      { bytes: manifest.bytes, mediaType: instance.mediaType || manifest.contentType, digest: manifest.digest },
      kind,
      name,
    );
    for (const blob of distinct([config, ...layers])) await this.#copyBlob(client, writer, source, blob, target);
    this.#options.onProgress?.({ kind: 'manifest', digest: built.digest });
    if ((await writer.manifestDigest(built.digest, signal)) !== built.digest) await writer.putManifest(built.digest, built, signal);
    return { ...instance, digest: built.digest, size: built.bytes.length, mediaType: built.mediaType };
  }

  /** In a mirror, or where it was found. */
  async #find(client: RegistryClient, reference: Reference, digest: Digest) {
    const { tlsVerify, signal } = this.#options;
    const places = this.#registries.pullSources(reference);
    for (const [index, place] of places.entries()) {
      const source = tlsVerify === undefined ? place : { ...place, insecure: !tlsVerify };
      try {
        return { source, manifest: await client.manifest(source, digest, signal) };
      } catch (error) {
        if (!isEngineError(error) || error.code === 'cancelled' || index === places.length - 1) throw error;
        this.#warn(`mirror ${source.registry} does not serve it: ${error.message}`);
      }
    }
    throw new EngineError('internal', `there is no source for ${formatReference(reference)}`);
  }

  async #copyBlob(
    client: RegistryClient,
    writer: RepositoryWriter,
    source: PullSource,
    blob: Descriptor,
    target: PullSource,
  ): Promise<void> {
    const { signal, onProgress } = this.#options;
    const progress = reportLayer(blob.digest, blob.size, onProgress);
    const there = await writer.sizeOf(blob.digest, signal);
    const sameRegistry = source.registry === target.registry && source.repository !== target.repository;
    if (there === blob.size || (sameRegistry && (await writer.mount(blob.digest, source.repository, signal)))) {
      progress.state('present');
      return;
    }
    progress.state('fetching');
    await using download = await this.#context.downloads.open(blob.digest, blob.size, signal);
    if (!download.complete) {
      await client.download(source, download, {
        ...(signal === undefined ? {} : { signal }),
        onProgress: (bytes) => {
          progress.bytes(bytes);
        },
        onRetry: (message) => {
          progress.state('retrying', message);
        },
      });
    }
    progress.state('copying');
    await writer.upload({
      what: `blob ${blob.digest}`,
      open: () => download.follow() as AsyncIterable<Buffer>,
      ...(signal === undefined ? {} : { signal }),
      onRetry: (message) => {
        progress.state('retrying', message);
      },
    });
    progress.state('done');
    await download.discard();
  }

  async #putList(writer: RepositoryWriter, list: ListContent, { tag = 'latest' }: Reference): Promise<BuiltList> {
    const { format } = this.#options;
    const kind: ListKind = format === undefined ? preferredKind(list) : format === 'oci' ? 'oci' : 'docker';
    this.#warnOfLoss(list, kind);
    try {
      return await this.#putKind(writer, list, kind, tag);
    } catch (error) {
      const refused = isEngineError(error) && [400, 415].includes(Number(error.details['status']));
      if (!refused || format !== undefined) throw error;
      this.#warn(`${error.message}; trying the other kind of list`);
      return this.#putKind(writer, list, kind === 'oci' ? 'docker' : 'oci', tag);
    }
  }

  async #putKind(writer: RepositoryWriter, list: ListContent, kind: ListKind, tag: string): Promise<BuiltList> {
    const { signal, onProgress } = this.#options;
    const built = buildList(list, kind);
    onProgress?.({ kind: 'manifest', digest: built.digest });
    if ((await writer.manifestDigest(tag, signal)) !== built.digest) await writer.putManifest(tag, built, signal);
    return built;
  }

  #warnOfLoss({ annotations, instances }: ListContent, kind: ListKind): void {
    const annotated = Object.keys(annotations).length > 0 || instances.some((one) => Object.keys(one.annotations).length > 0);
    if (kind === 'docker' && annotated) this.#warn("Docker's lists have no annotations: they are left out");
    if (kind === 'oci' && instances.some(({ platform }) => platform.features.length > 0))
      this.#warn('OCI indexes have no features: they are left out');
  }

  #openClient(options: PushOptions): RegistryClient {
    return openClient(this.#context, this.#registries, options, (message) => {
      this.#warn(message);
    });
  }

  #warn(message: string): void {
    this.#options.onProgress?.({ kind: 'warning', message });
  }
}

function repositoryFor(source: string | undefined, target: PullSource): string[] {
  if (source === undefined) return [];
  const reference = parseReference(source);
  return reference.registry === target.registry ? [reference.repository] : [];
}

function distinct(blobs: readonly Descriptor[]): Descriptor[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}
