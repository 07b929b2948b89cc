/** From an image in the store to a registry. */
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { type PullSource, type Registries, formatReference } from '../reference/reference.ts';
import { type RegistryClient, type RepositoryWriter, type SignatureTarget, openSignatureTarget } from '../registry/registry.ts';
import { type Signer, openSigner } from '../signature/signature.ts';
import { openClient } from './client.ts';
import { type Compression, checkLevel, compress } from './compress.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { PushOptions, PushedImage } from './image.ts';
import { resolveImage } from './lookup.ts';
import {
  type BuiltManifest,
  type ManifestKind,
  type OutgoingImage,
  type OutgoingLayer,
  type PlacedLayer,
  type StoredImage,
  buildManifest,
  kindOf,
  toOutgoing,
} from './outgoing.ts';
import { reportLayer } from './progress.ts';
import { type Destination, toDestination } from './push-destination.ts';
import { LayerPlaces, repositoriesAt } from './push-places.ts';
import { counted } from './save.ts';
import { settleAll } from './settle-all.ts';
import { Slots } from './slots.ts';

/** Each compresses on all cores; two, so that one sends while the other waits for an answer. */
const layersAtOnce = 2;

interface Signing {
  readonly signer: Signer;
  readonly target: SignatureTarget;
  readonly name: string;
}

export class Push {
  readonly #context: ImageContext;
  readonly #options: PushOptions;
  readonly #registries: Registries;
  readonly #compression: Compression;
  #signing: Signing | undefined;

  constructor(context: ImageContext, options: PushOptions) {
    this.#context = context;
    this.#options = options;
    this.#registries = readRegistries(context);
    const { compressionFormat: format = 'gzip', compressionLevel: level } = options;
    this.#compression = { format, ...(level === undefined ? {} : { level }) };
    checkLevel(this.#compression);
    if (format === 'zstd' && options.format === 'v2s2')
      throw new EngineError('invalid-argument', "Docker's manifests (v2s2) know no zstd", {
        fix: 'Leave out --format, or take gzip.',
        details: { field: 'format' },
      });
  }

  /** See ImageStore.push. */
  async run(nameOrId: string, destination: string | undefined): Promise<PushedImage> {
    const { signal } = this.#options;
    throwIfAborted(signal);
    const { record, name } = resolveImage(this.#context.state.images, this.#registries, nameOrId);
    const place = toDestination(this.#registries, destination ?? name, record.id, this.#options.tlsVerify);
    const signer = await this.#openSigner();
    await using client = this.#openClient();
    const { digest } = await this.#send(client, record, place, place.reference.tag ?? 'latest', signer);
    const shown = formatReference(place.reference);
    this.#context.state.events.append({ type: 'image', status: 'push', id: record.id, name: shown });
    return { id: record.id, name: shown, digest };
  }

  /** One image of a list: it gets no tag, the list names it by the digest of the manifest that is answered. */
  async sendInstance(client: RegistryClient, record: StoredImage, target: PullSource): Promise<BuiltManifest> {
    const { registry, repository } = target;
    const reference = { registry, repository, tag: undefined, digest: undefined };
    return this.#send(client, record, { reference, target }, undefined);
  }

  #openSigner(): Promise<Signer | undefined> {
    const { signBy, signBySigstorePrivateKey, signPassphraseFile, signal } = this.#options;
    return openSigner(this.#context.system, {
      signBy,
      sigstorePrivateKey: signBySigstorePrivateKey,
      passphraseFile: signPassphraseFile,
      environment: this.#context.environment(),
      signal,
    });
  }

  async #openSigning(
    signer: Signer,
    client: RegistryClient,
    writer: RepositoryWriter,
    { reference, target }: Destination,
  ): Promise<Signing> {
    const { system } = this.#context;
    const tag = reference.tag ?? 'latest';
    const signatures = await openSignatureTarget({
      system,
      client,
      writer,
      target,
      tag,
      folders: system.identity,
      signer,
      signal: this.#options.signal,
    });
    return { signer, target: signatures, name: formatReference(reference) };
  }

  /** @param signer of an image that gets a tag: those of a list are signed with it, which is not done yet */
  async #send(
    client: RegistryClient,
    record: StoredImage,
    place: Destination,
    tag: string | undefined,
    signer?: Signer,
  ): Promise<BuiltManifest> {
    const { signal } = this.#options;
    const { registry, repository } = place.reference;
    const image = toOutgoing(this.#context, record);
    const others = repositoriesAt(this.#context.state, image, registry, repository);
    const writer = await client.writer(place.target, others);
    if (signer) this.#signing = await this.#openSigning(signer, client, writer, place);
    const layers = await this.#sendLayers(writer, image, others);
    this.#remember(layers, registry, repository);
    await this.#sendConfig(writer, image);
    throwIfAborted(signal);
    return this.#sendManifest(writer, image, layers, tag);
  }

  #openClient(): RegistryClient {
    return openClient(this.#context, this.#registries, this.#options, (message) => {
      this.#warn(message);
    });
  }

  /** When one fails all stop. An image may have the same layer twice: it is sent once. */
  async #sendLayers(writer: RepositoryWriter, image: OutgoingImage, others: readonly string[]): Promise<PlacedLayer[]> {
    const abort = new AbortController();
    const signal = this.#options.signal === undefined ? abort.signal : AbortSignal.any([this.#options.signal, abort.signal]);
    const slots = new Slots(layersAtOnce);
    const places = new LayerPlaces({
      state: this.#context.state,
      writer,
      image,
      others,
      only: this.#options.compressionFormat,
      zstdAllowed: this.#compression.format === 'zstd' || this.#kindOf(image) === 'oci',
      signal,
    });
    const placed = new Map<Digest, PlacedLayer>();
    const distinct = [...new Map(image.layers.map((layer) => [layer.diffId, layer])).values()];
    const tasks = distinct.map(async (layer) => {
      using _slot = await slots.acquire();
      try {
        throwIfAborted(signal);
        placed.set(layer.diffId, await this.#sendLayer(writer, layer, places, signal));
      } catch (error) {
        abort.abort();
        throw error;
      }
    });
    try {
      await settleAll(tasks);
    } catch (error) {
      throwIfAborted(this.#options.signal);
      throw error;
    }
    return image.layers.flatMap(({ diffId }) => placed.get(diffId) ?? []);
  }

  async #sendLayer(writer: RepositoryWriter, layer: OutgoingLayer, places: LayerPlaces, signal: AbortSignal): Promise<PlacedLayer> {
    const { chainId, diffId, sizeBytes } = layer;
    const progress = reportLayer(diffId, sizeBytes, this.#options.onProgress, 'copying');
    const there = await places.find(diffId);
    if (there) {
      progress.state('present');
      return there;
    }
    progress.state('copying');
    const blob = await writer.upload({
      what: `layer ${diffId}`,
      open: (stop) => {
        const tar = counted(this.#context.layers.read(chainId, stop), (bytes) => {
          progress.bytes(bytes);
        });
        return compress(tar, this.#compression);
      },
      signal,
      onRetry: (message) => {
        progress.state('retrying', message);
      },
    });
    this.#context.state.layers.putBlob({ blobDigest: blob.digest, diffId, sizeBytes: blob.sizeBytes });
    progress.state('done');
    return { digest: blob.digest, size: blob.sizeBytes, compression: this.#compression.format };
  }

  #remember(layers: readonly PlacedLayer[], registry: string, repository: string): void {
    const { state } = this.#context;
    state.transaction(() => {
      for (const { digest, compression } of layers)
        if (compression !== 'none') state.layers.putPlace({ blobDigest: digest, registry, repository, compression });
    });
  }

  async #sendConfig(writer: RepositoryWriter, { configDigest, configBytes }: OutgoingImage): Promise<void> {
    const { signal } = this.#options;
    this.#options.onProgress?.({ kind: 'config', digest: configDigest });
    if ((await writer.sizeOf(configDigest, signal)) !== undefined) return;
    await writer.upload({
      what: `configuration ${configDigest}`,
      open: async function* () {
        yield await Promise.resolve(configBytes);
      },
      ...(signal === undefined ? {} : { signal }),
      onRetry: (message) => {
        this.#warn(message);
      },
    });
  }

  async #sendManifest(
    writer: RepositoryWriter,
    image: OutgoingImage,
    layers: readonly PlacedLayer[],
    tag: string | undefined,
  ): Promise<BuiltManifest> {
    const { format } = this.#options;
    const zstd = layers.some(({ compression }) => compression === 'zstd');
    const kind = zstd ? 'oci' : this.#kindOf(image);
    try {
      return await this.#putManifest(writer, image, layers, kind, tag);
    } catch (error) {
      const refused = isEngineError(error) && [400, 415].includes(Number(error.details['status']));
      if (!refused || format !== undefined || zstd) throw error;
      this.#warn(`${error.message}; trying the other kind of manifest`);
      return this.#putManifest(writer, image, layers, kind === 'oci' ? 'docker' : 'oci', tag);
    }
  }

  #kindOf({ stored }: OutgoingImage): ManifestKind {
    const { format } = this.#options;
    if (format !== undefined) return format === 'oci' ? 'oci' : 'docker';
    return stored === undefined ? 'oci' : kindOf(stored.manifest.mediaType);
  }

  async #putManifest(
    writer: RepositoryWriter,
    image: OutgoingImage,
    layers: readonly PlacedLayer[],
    kind: ManifestKind,
    tag: string | undefined,
  ): Promise<BuiltManifest> {
    const { signal, onProgress } = this.#options;
    const manifest = buildManifest(image, kind, layers);
    onProgress?.({ kind: 'manifest', digest: manifest.digest });
    // Before the tag: nobody who asks for it finds it unsigned.
    if (this.#signing) {
      const { signer, target, name } = this.#signing;
      await target.add(manifest.digest, await signer.sign(manifest.digest, name));
    }
    // Registries may forbid to set a tag again, even to what it is.
    const place = tag ?? manifest.digest;
    if ((await writer.manifestDigest(place, signal)) !== manifest.digest) await writer.putManifest(place, manifest, signal);
    return manifest;
  }

  #warn(message: string): void {
    this.#options.onProgress?.({ kind: 'warning', message });
  }
}
