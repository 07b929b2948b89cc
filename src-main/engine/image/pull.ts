/** From a name to an image in the store. */
import { EngineError, isCancelled, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import { type PullSource, type Reference, type Registries, formatReference, repositoryName, withDigest } from '../reference/reference.ts';
import {
  type FetchedManifest,
  type RegistryClient,
  decidePolicy,
  dockerScopes,
  findSignatures,
  type PolicyDecision,
  verifyPolicy,
} from '../registry/registry.ts';
import type { ImageRecord } from '../state/state.ts';
import { type NewImage, afterFailure, commitImage, dropBlobs, dropLayers } from './commit.ts';
import { openClient } from './client.ts';
import { type ParsedConfig, parseConfig } from './config-blob.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { PullOptions, ResolvedImage } from './image.ts';
import { type LayerPlan, LayerTransfer } from './layer-transfer.ts';
import { findImage } from './lookup.ts';
import { type ImageManifest, type Platform, parseManifest } from './manifest.ts';
import { choosePlatform, formatPlatform, hostPlatform, matchesPlatform, parsePlatform } from './platform.ts';

interface Fetched {
  readonly reference: Reference;
  readonly source: PullSource;
  readonly manifest: ImageManifest;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array;
  readonly index: FetchedManifest | undefined;
  readonly config: ParsedConfig;
  readonly configBytes: Uint8Array;
}

/** Layers removed by another engine between unpacking and commit are fetched again, so often. */
const commitAttempts = 3;

/** After these another registry or mirror may still have it. */
const tryElsewhere = new Set([
  'not-found',
  'unauthorized',
  'unavailable',
  'timeout',
  'denied',
  'digest-mismatch',
  'corrupt',
  'limit-exceeded',
]);

/** After these the next attempt goes on where this one stopped; after all others the fetched blobs are of no use. */
const resumable = new Set(['cancelled', 'unavailable', 'timeout', 'limit-exceeded', 'unauthorized', 'disconnected']);

export class Pull {
  readonly #context: ImageContext;
  readonly #options: PullOptions;
  readonly #registries: Registries;
  readonly #wanted: Platform;

  constructor(context: ImageContext, options: PullOptions) {
    this.#context = context;
    this.#options = options;
    this.#registries = readRegistries(context);
    this.#wanted = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  }

  async run(text: string): Promise<ResolvedImage> {
    const { policy, signal } = this.#options;
    throwIfAborted(signal);
    const local = this.#findLocal(text);
    if (policy === 'never') {
      if (local) return local;
      throw new EngineError('not-found', `${text}: image not known, and pulling is not allowed`, {
        fix: 'Pull it first, or leave out --pull=never.',
      });
    }
    if (local && policy === 'missing') return local;
    const resolution = this.#registries.resolveForPull(text);
    await using client = this.#openClient();
    if (local && policy === 'newer' && (await this.#isCurrent(client, local, resolution.candidates))) return local;
    const failures: unknown[] = [];
    for (const reference of resolution.candidates) {
      try {
        return await this.#pullReference(client, reference, resolution.source);
      } catch (error) {
        if (isCancelled(error) || !isEngineError(error) || !tryElsewhere.has(error.code)) throw error;
        failures.push(error);
        if (reference !== resolution.candidates.at(-1)) this.#warn(error.message);
      }
    }
    if (failures.length === 1) throw explainLocal(failures[0], text);
    throw new EngineError(
      'not-found',
      `${text}: none of ${String(failures.length)} registries has it: ${failures.map((one) => (one as Error).message).join('; ')}`,
    );
  }

  #openClient(): RegistryClient {
    return openClient(this.#context, this.#registries, this.#options, (message) => {
      this.#warn(message);
    });
  }

  #findLocal(text: string): ResolvedImage | undefined {
    const found = findImage(this.#context.state.images, this.#registries, text, this.#wanted);
    if (!found || this.#options.platform === undefined) return found;
    const config = parseConfig(this.#context.blobs.get(`sha256:${found.record.id}` as Digest), found.name);
    return matchesPlatform(config.platform, this.#wanted) ? found : undefined;
  }

  /** A registry that does not answer leaves the local image good enough, as in Podman. */
  async #isCurrent(client: RegistryClient, local: ResolvedImage, candidates: readonly Reference[]): Promise<boolean> {
    for (const reference of candidates) {
      for (const source of this.#sources(reference)) {
        try {
          const digest = await client.manifestDigest(source, reference.digest ?? reference.tag ?? 'latest', this.#options.signal);
          return local.record.manifestDigest === digest || local.record.repoDigests.some((name) => name.endsWith(`@${digest}`));
        } catch (error) {
          if (isCancelled(error) || !isEngineError(error)) throw error;
          this.#warn(error.message);
        }
      }
    }
    return true;
  }

  #sources(reference: Reference): PullSource[] {
    const { tlsVerify } = this.#options;
    return this.#registries
      .pullSources(reference)
      .map((source) => (tlsVerify === undefined ? source : { ...source, insecure: !tlsVerify }));
  }

  async #pullReference(client: RegistryClient, reference: Reference, how: string): Promise<ResolvedImage> {
    const name = formatReference(reference);
    const decision = decidePolicy(
      { transport: 'docker', scopes: dockerScopes(name, repositoryName(reference)), name },
      { homeDirectory: this.#context.system.identity.homeDirectory },
    );
    const sources = this.#sources(reference);
    for (const source of sources) {
      const from = source.isMirror ? `mirror ${source.registry}/${source.repository}` : how;
      this.#report({ kind: 'resolved', reference: name, source: from });
      try {
        return await this.#pullFrom(client, reference, source, decision);
      } catch (error) {
        if (!source.isMirror || isCancelled(error) || !isEngineError(error) || !tryElsewhere.has(error.code)) throw error;
        this.#warn(`mirror ${source.registry} does not serve it: ${error.message}`);
      }
    }
    throw new EngineError('internal', `there is no source for ${name}`);
  }

  async #pullFrom(client: RegistryClient, reference: Reference, source: PullSource, decision: PolicyDecision): Promise<ResolvedImage> {
    const fetched = await this.#fetchManifests(client, reference, source, decision);
    const plans = this.#plan(fetched);
    const transferOptions = { context: this.#context, client, source, signal: this.#options.signal, onProgress: this.#options.onProgress };
    const transfer = new LayerTransfer(transferOptions);
    using operation = this.#context.state.operations.begin('image.pull', formatReference(reference), {
      chainIds: plans.map(({ chainId }) => chainId),
      blobs: [fetched.manifestDigest, fetched.manifest.config.digest, ...(fetched.index ? [fetched.index.digest] : [])],
    });
    try {
      for (let attempt = 1; attempt <= commitAttempts; attempt++) {
        await transfer.run(plans);
        throwIfAborted(this.#options.signal);
        const record = await this.#commit(fetched, plans);
        if (!record) continue;
        for (const { blobDigest } of plans) this.#context.downloads.remove(blobDigest);
        return { record, name: formatReference(reference) };
      }
      throw new EngineError('in-use', `layers of ${formatReference(reference)} were removed again and again while it was pulled`);
    } catch (error) {
      return await afterFailure(error, operation, () => this.#undo(plans, transfer, fetched, error));
    }
  }

  async #undo(plans: readonly LayerPlan[], transfer: LayerTransfer, fetched: Fetched, error: unknown): Promise<void> {
    await dropLayers(
      this.#context,
      plans.map(({ chainId }) => chainId).filter((chainId) => transfer.touched.has(chainId)),
    );
    dropBlobs(this.#context, [fetched.manifestDigest, fetched.manifest.config.digest, ...(fetched.index ? [fetched.index.digest] : [])]);
    if (isCancelled(error) || (isEngineError(error) && resumable.has(error.code))) return;
    for (const { blobDigest } of plans) this.#context.downloads.remove(blobDigest);
  }

  async #fetchManifests(client: RegistryClient, reference: Reference, source: PullSource, decision: PolicyDecision): Promise<Fetched> {
    const { signal } = this.#options;
    const name = formatReference(reference);
    const top = await client.manifest(source, reference.digest ?? reference.tag ?? 'latest', signal);
    let parsed = parseManifest(top.bytes, top.contentType, `manifest of ${name}`);
    let chosen = top;
    // An index of indexes is allowed; no real image nests deeper.
    for (let depth = 0; parsed.kind === 'index'; depth++) {
      if (depth === 3) throw new EngineError('corrupt', `index of ${name} leads to indexes without end`);
      const entry = choosePlatform(parsed, this.#wanted, name);
      chosen = await client.manifest(source, entry.digest, signal);
      parsed = parseManifest(chosen.bytes, chosen.contentType, `manifest ${entry.digest} of ${name}`);
    }
    this.#report({ kind: 'manifest', digest: chosen.digest });
    await this.#verify(client, { reference, source, decision, digest: chosen.digest });
    const configBytes =
      findIntact(this.#context.blobs, parsed.config.digest) ??
      (await client.config(source, parsed.config.digest, parsed.config.size, signal));
    const config = parseConfig(configBytes, name);
    this.#report({ kind: 'config', digest: parsed.config.digest });
    if (!matchesPlatform(config.platform, this.#wanted))
      this.#warn(`image ${name} is for ${formatPlatform(config.platform)}, not for ${formatPlatform(this.#wanted)}`);
    return {
      reference,
      source,
      manifest: parsed,
      manifestDigest: chosen.digest,
      manifestBytes: chosen.bytes,
      index: chosen === top ? undefined : top,
      config,
      configBytes,
    };
  }

  /** Of an index, as in Podman, the manifest that is taken has to be signed; the index need not be. */
  async #verify(
    client: RegistryClient,
    of: { readonly reference: Reference; readonly source: PullSource; readonly decision: PolicyDecision; readonly digest: Digest },
  ): Promise<void> {
    const { reference, source, decision, digest } = of;
    if (decision.requirements.length === 0) return;
    const { system } = this.#context;
    const { signal } = this.#options;
    const { tag } = reference;
    const signatures = await findSignatures({ client, source, tag, digest, folders: system.identity, signal });
    await verifyPolicy(decision, formatReference(reference), { digest, reference, signatures }, system, signal);
  }

  #plan({ reference, manifest, config }: Fetched): LayerPlan[] {
    if (manifest.layers.length !== config.diffIds.length)
      throw new EngineError(
        'corrupt',
        `manifest of ${formatReference(reference)} has ${String(manifest.layers.length)} layers, its configuration ${String(config.diffIds.length)}`,
      );
    let parentChainId: Digest | undefined;
    return manifest.layers.map((layer, index) => {
      const diffId = config.diffIds[index] as Digest;
      const chainId = this.#context.layers.chainId(parentChainId, diffId);
      const plan = { blobDigest: layer.digest, sizeBytes: layer.size, diffId, parentChainId, chainId };
      parentChainId = chainId;
      return plan;
    });
  }

  #commit(fetched: Fetched, plans: readonly LayerPlan[]): Promise<ImageRecord | undefined> {
    const { reference, manifest, index } = fetched;
    const digests = [fetched.manifestDigest, ...(index ? [index.digest] : [])];
    const image: NewImage = {
      id: manifest.config.digest.slice('sha256:'.length) as ImageId,
      config: fetched.config,
      configBytes: fetched.configBytes,
      manifestDigest: fetched.manifestDigest,
      manifestBytes: fetched.manifestBytes,
      ...(index ? { indexBytes: index.bytes } : {}),
      names: reference.digest === undefined ? [formatReference(reference)] : [],
      repoDigests: digests.map((digest) => formatReference(withDigest(reference, digest))),
      chainIds: plans.map(({ chainId }) => chainId),
      event: { status: 'pull', name: formatReference(reference) },
    };
    return commitImage(this.#context, image, this.#options.signal);
  }

  #report(progress: TransferProgress): void {
    this.#options.onProgress?.(progress);
  }

  #warn(message: string): void {
    this.#report({ kind: 'warning', message });
  }
}

/** What the disk has damaged is fetched and written again. */
function findIntact(blobs: ImageContext['blobs'], digest: Digest): Uint8Array | undefined {
  try {
    return blobs.find(digest);
  } catch (error) {
    if (isEngineError(error, 'corrupt')) return undefined;
    throw error;
  }
}

/** Nobody has a registry there; such names are of images that were loaded or made on this machine. */
function explainLocal(error: unknown, text: string): unknown {
  if (!isEngineError(error, 'unavailable') || !/^localhost\//.test(text)) return error;
  return new EngineError('unavailable', `${text}: there is no such image here, and ${error.message}`, {
    fix: 'Check the name: `selkie images` lists the images that are here.',
    details: error.details,
    cause: error,
  });
}
