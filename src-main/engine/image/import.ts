/** Images that are made here: of a tar of files, upon a base or upon nothing. */
import type { Digest, ImageId } from '../../contract/ids.ts';
import { EngineError } from '../../base/errors.ts';
import { checkPolicy } from '../registry/registry.ts';
import type { ImageRecord, LayerRecord, OperationKind } from '../state/state.ts';
import { afterFailure, commitImage, dropLayers } from './commit.ts';
import { parseConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';
import type { ComposeRequest, ImportRequest, ResolvedImage } from './image.ts';
import { parseChanges } from './import-changes.ts';
import { digestOf, makeConfig, makeManifest } from './import-documents.ts';
import { openTarball } from './import-source.ts';
import { spoolTar } from './import-spool.ts';
import type { SpooledTar } from './import-spool.ts';
import { nameToGive } from './lookup.ts';
import { hostPlatform, parsePlatform } from './platform.ts';
import { reportLayer } from './progress.ts';

const attempts = 3;

/** See ImageStore.importTar. */
export async function importImage(context: ImageContext, request: ImportRequest): Promise<ResolvedImage> {
  const { signal } = request;
  const patch = parseChanges(request.changes);
  const name = request.reference === undefined ? undefined : nameToGive(request.reference);
  const source = 'url' in request.source ? request.source.url : request.source.path;
  const shown = request.shownAs ?? source;
  checkPolicy({ transport: 'tarball', scopes: [], name: shown }, { homeDirectory: context.system.identity.homeDirectory });
  const platform = toPlatform(request);
  await using tarball = await openTarball(context, request.source, signal);
  await using tar = await spoolTar(context, tarball.chunks, { signal });
  return await compose(context, {
    ...{ operation: 'image.import', object: shown, event: { status: 'import', name: name ?? shown } },
    ...{
      tar,
      base: undefined,
      squash: true,
      platform,
      patch,
      author: '',
      format: 'oci',
      comment: '',
      names: name === undefined ? [] : [name],
    },
    history: { createdBy: `/bin/sh -c #(nop) ADD file:${tar.diffId.slice('sha256:'.length)} in /`, comment: request.message },
    ...{ signal, onProgress: request.onProgress },
  });
}

/** See ImageStore.compose. */
export async function composeImage(context: ImageContext, request: ComposeRequest): Promise<ResolvedImage> {
  const base = baseOf(context, request.base);
  const name = request.name === undefined ? undefined : nameToGive(request.name);
  await using tar = await spoolTar(context, request.tar, { signal: request.signal });
  await request.afterReading?.();
  return await compose(context, {
    ...{ operation: 'image.commit', object: request.object, event: { status: 'commit', name: name ?? request.object } },
    ...{ tar, base, squash: request.squash, platform: base.platform, patch: request.patch, author: request.author, format: request.format },
    comment: request.message,
    names: name === undefined ? [] : [name],
    history: { createdBy: request.createdBy, comment: request.message },
    ...{ signal: request.signal, onProgress: request.onProgress },
  });
}

interface Base {
  readonly record: ImageRecord;
  readonly document: Readonly<Record<string, unknown>>;
  readonly platform: ReturnType<typeof hostPlatform>;
}

interface Composition extends Pick<ComposeRequest, 'squash' | 'patch' | 'author' | 'format' | 'signal' | 'onProgress'> {
  readonly operation: Extract<OperationKind, 'image.commit' | 'image.import'>;
  readonly object: string;
  readonly event: { readonly status: string; readonly name: string };
  readonly tar: SpooledTar;
  readonly base: Base | undefined;
  readonly platform: ReturnType<typeof hostPlatform>;
  readonly comment: string;
  readonly names: readonly string[];
  readonly history: { readonly createdBy: string; readonly comment: string };
}

function baseOf(context: ImageContext, id: ImageId): Base {
  const record = context.state.images.find(id);
  if (!record) throw new EngineError('not-found', `${id}: image not known`);
  const bytes = context.blobs.get(`sha256:${id}` as Digest);
  const { platform } = parseConfig(bytes, id);
  return { record, document: JSON.parse(bytes.toString()) as Base['document'], platform };
}

async function compose(context: ImageContext, request: Composition): Promise<ResolvedImage> {
  const { tar, signal } = request;
  const below = request.squash ? [] : (request.base?.record.chainIds ?? []);
  const chainId = context.layers.chainId(below.at(-1), tar.diffId);
  const known = context.layers.find(chainId) !== undefined;
  const documents = makeDocuments(context, request, below);
  const blobs = [digestOf(documents.configBytes), documents.manifestDigest];
  using operation = context.state.operations.begin(request.operation, request.object, { chainIds: [chainId], blobs });
  try {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await unpack(context, request, below.at(-1), chainId);
      request.onProgress?.({ kind: 'config', digest: digestOf(documents.configBytes) });
      const record = await commitImage(
        context,
        { ...documents, names: request.names, repoDigests: [], chainIds: [...below, chainId], event: request.event },
        signal,
      );
      if (record) return { record, name: request.names[0] ?? record.id };
    }
    throw new EngineError('in-use', `layers of ${request.object} were removed again and again while the image was made`);
  } catch (error) {
    return await afterFailure(error, operation, async () => {
      if (!known) await dropLayers(context, [chainId]);
    });
  }
}

function makeDocuments(context: ImageContext, request: Composition, below: readonly Digest[]) {
  const layers = below.map((chainId): LayerRecord => {
    const layer = context.state.layers.find(chainId);
    if (!layer) throw new EngineError('corrupt', `layer ${chainId} of the image that it was made from is not in the store`);
    return layer;
  });
  const all = [...layers, request.tar];
  const createdAt = new Date(context.system.clock.nowMs()).toISOString();
  const diffIds = all.map(({ diffId }) => diffId);
  const configBytes = makeConfig({ ...request, base: request.base?.document, diffIds, createdAt });
  const manifestBytes = makeManifest(request.format, configBytes, all);
  const config = parseConfig(configBytes, request.object);
  const id = digestOf(configBytes).slice('sha256:'.length) as ImageId;
  return { id, config, configBytes, manifestBytes, manifestDigest: digestOf(manifestBytes) };
}

async function unpack(context: ImageContext, request: Composition, parentChainId: Digest | undefined, chainId: Digest): Promise<void> {
  const { tar, signal } = request;
  const progress = reportLayer(tar.diffId, tar.sizeBytes, request.onProgress);
  if (context.layers.findSound(chainId)) {
    progress.state('present');
    return;
  }
  progress.state('unpacking');
  await context.layers.unpack({
    parentChainId,
    diffId: tar.diffId,
    source: { path: tar.path },
    ...(signal === undefined ? {} : { signal }),
    onProgress: (bytes) => progress.bytes(bytes),
  });
  progress.state('done');
}

function toPlatform({ os, architecture, variant }: ImportRequest): ReturnType<typeof hostPlatform> {
  const host = hostPlatform();
  return parsePlatform([os ?? host.os, architecture ?? host.architecture, ...(variant === undefined ? [] : [variant])].join('/'));
}
