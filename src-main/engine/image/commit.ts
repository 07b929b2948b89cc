/** Makes an image visible, and what an image holds on to. */
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { Lock } from '../../system/system.ts';
import type { ImageRecord, Operation, State } from '../state/state.ts';
import type { ParsedConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';

export interface NewImage {
  readonly id: ImageId;
  readonly config: ParsedConfig;
  readonly configBytes: Uint8Array;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array;
  readonly indexBytes?: Uint8Array;
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  readonly chainIds: readonly Digest[];
  readonly event: { readonly status: string; readonly name: string };
}

function union<T>(a: readonly T[], b: readonly T[]): T[] {
  return [...new Set([...a, ...b])];
}

function sizeOf(state: State, chainIds: readonly Digest[]): number {
  return chainIds.reduce((sum, chainId) => sum + (state.layers.find(chainId)?.sizeBytes ?? 0), 0);
}

/**
 * One transaction. Answers undefined when a layer was removed meanwhile: then it has to be fetched again. The layers that are in the
 * store when this returns a record cannot be removed any more, since the image refers to them.
 */
export async function commitImage(
  context: ImageContext,
  image: NewImage,
  signal: AbortSignal | undefined,
): Promise<ImageRecord | undefined> {
  const locks: Lock[] = [];
  try {
    locks.push(await context.state.lock('image', image.id, signal));
    // Who removes a layer looks for images under its lock: so it has either gone before, or sees this image.
    for (const chainId of [...new Set(image.chainIds)].sort()) locks.push(await context.state.lock('layer', chainId, signal));
    if (image.chainIds.some((chainId) => !context.layers.find(chainId))) return undefined;
    return context.state.transaction(() => putImage(context, image));
  } finally {
    for (const lock of locks) lock.release();
  }
}

function putImage({ state, blobs, system }: ImageContext, image: NewImage): ImageRecord {
  // Within the transaction, since another engine's removal drops blobs that no image needs in one of its own.
  blobs.put(image.configBytes);
  blobs.put(image.manifestBytes);
  if (image.indexBytes) blobs.put(image.indexBytes);
  const present = state.images.find(image.id);
  const before = present?.readOnly === undefined ? present : undefined;
  const record: ImageRecord = {
    id: image.id,
    manifestDigest: image.manifestDigest,
    names: union(before?.names ?? [], image.names),
    repoDigests: union(before?.repoDigests ?? [], image.repoDigests),
    chainIds: image.chainIds,
    createdAt: image.config.createdAt,
    sizeBytes: sizeOf(state, image.chainIds),
    architecture: image.config.platform.architecture,
    os: image.config.platform.os,
    labels: image.config.config.labels,
    storedAt: before?.storedAt ?? Math.round(system.clock.nowMs()),
  };
  state.images.put(record);
  state.events.append({ type: 'image', status: image.event.status, id: image.id, name: image.event.name });
  return record;
}

/** Digests of the small blobs that an image needs: configuration, manifest, and the index it was chosen from; of a list those of its images. */
export function blobsOf(record: ImageRecord): Digest[] {
  const digested = record.repoDigests.map((name) => name.slice(name.indexOf('@') + 1) as Digest);
  return union(documentsOf(record), digested);
}

/** Of these, what it cannot be without. */
export function documentsOf(record: Pick<ImageRecord, 'id' | 'manifestDigest' | 'list'>): Digest[] {
  // A list's own document is made from its record.
  if (record.list) return record.list.instances.flatMap(({ image }) => (image ? documentsOf(image) : []));
  return [`sha256:${record.id}` as Digest, ...(record.manifestDigest === undefined ? [] : [record.manifestDigest])];
}

/** Removes those of the blobs that no image needs. */
export function dropBlobs(context: ImageContext, digests: readonly Digest[]): void {
  const { state, blobs } = context;
  // Inside a transaction no other engine can make an image visible that needs them.
  state.transaction(() => {
    const needed = new Set([...state.images.list(), ...trashedImages(state)].flatMap(blobsOf));
    for (const digest of digests) if (!needed.has(digest)) blobs.remove(digest);
  });
}

/** Images that were removed and can still be brought back. */
export function trashedImages(state: Pick<State, 'trash'>): ImageRecord[] {
  return state.trash.list().flatMap((entry) => (entry.kind === 'image' ? [entry.record] : []));
}

/** Layers that neither an image nor a container, removed or not, nor a layer of theirs, needs; children before parents. */
export function unreferencedLayers(state: State): Digest[] {
  const parents = new Map(state.layers.list().map(({ chainId, parentChainId }) => [chainId, parentChainId]));
  const needed = new Set<Digest>();
  const need = (top: Digest | undefined): void => {
    for (let at = top; at !== undefined && !needed.has(at); at = parents.get(at)) needed.add(at);
  };
  for (const { chainIds } of [...state.images.list(), ...trashedImages(state)]) for (const chainId of chainIds) need(chainId);
  for (const { config } of state.containers.list()) need(config.parentChainId);
  for (const entry of state.trash.list()) if (entry.kind === 'container') need(entry.record.config.parentChainId);
  const depth = (chainId: Digest): number => {
    let length = 0;
    for (let at: Digest | undefined = chainId; at !== undefined && length <= parents.size; at = parents.get(at)) length++;
    return length;
  };
  return [...parents.keys()].filter((chainId) => !needed.has(chainId)).sort((a, b) => depth(b) - depth(a));
}

/** Removes those of the layers that nothing needs, top first, and what an unpacking that failed left of them. Answers the removed ones. */
export async function dropLayers(context: ImageContext, chainIds: readonly Digest[]): Promise<Digest[]> {
  const removed: Digest[] = [];
  for (const chainId of chainIds.toReversed()) {
    try {
      if (context.layers.find(chainId)) {
        await context.layers.remove(chainId);
        removed.push(chainId);
      } else await context.layers.removeRemains(chainId);
    } catch (error) {
      // Another image, container or pull needs it, and with it all below.
      if (isEngineError(error, 'in-use') || isEngineError(error, 'not-found')) continue;
      throw error;
    }
  }
  return removed;
}

/** Runs a clean-up after a failure; when that fails too, neither hides the other, and the operation stays for recovery to finish. */
export async function afterFailure(error: unknown, operation: Operation, cleanUp: () => Promise<void>): Promise<never> {
  try {
    await cleanUp();
  } catch (second) {
    operation.keep();
    if (!isEngineError(error)) throw new AggregateError([error, second], messageOf(error));
    throw new EngineError(error.code, `${error.message} (and clearing up failed: ${messageOf(second)})`, {
      ...(error.fix === undefined ? {} : { fix: error.fix }),
      details: error.details,
      cause: error,
    });
  }
  throw error;
}
