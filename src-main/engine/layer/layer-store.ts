import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { EngineError, isEngineError, messageOf, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { SnapshotEntry, SnapshotStore } from '../snapshot/snapshot.ts';
import type { LayerRecord, State } from '../state/state.ts';
import { isDamaged, markDamaged, standInFor } from './damage.ts';
import type { LayerProblem, LayerStore, UnpackRequest } from './layer.ts';
import { ParentWait } from './parent-wait.ts';
import { readInWorker } from './read-client.ts';
import { recipeFilesIn } from './recipe-format.ts';
import type { RecipeFiles } from './recipe-format.ts';
import { runInWorker } from './unpack-client.ts';
import type { UnpackResult } from './unpack-job.ts';
import { WorkerPool } from './worker-pool.ts';

export interface LayerStoreOptions {
  readonly state: Pick<State, 'additional' | 'events' | 'images' | 'layers' | 'lock' | 'operations' | 'transaction' | 'trash' | 'tryLock'>;
  readonly snapshots: SnapshotStore;
  readonly system: Pick<System, 'attributes' | 'clock' | 'processes'>;
  readonly graphRoot: string;
  /** Of the bundled unpack-worker.js; without it the one beside this code. */
  readonly workerPath?: string | undefined;
}

export function createLayerStore({ state, snapshots, system, graphRoot, workerPath }: LayerStoreOptions): LayerStore {
  let pool: WorkerPool | undefined;
  const parents = new ParentWait(state);

  function chainId(parentChainId: Digest | undefined, diffId: Digest): Digest {
    if (parentChainId === undefined) return diffId;
    return `sha256:${createHash('sha256').update(`${parentChainId} ${diffId}`).digest('hex')}` as Digest;
  }

  async function unpack(request: UnpackRequest): Promise<LayerRecord> {
    const id = chainId(request.parentChainId, request.diffId);
    const parent = parents.expect(request.parentChainId);
    try {
      return await parents.report(id, unpackOnce(id, request, parent));
    } finally {
      parent.forget();
      if ('destroy' in request.source) request.source.destroy();
    }
  }

  async function unpackOnce(id: Digest, request: UnpackRequest, parent: ReturnType<ParentWait['expect']>): Promise<LayerRecord> {
    throwIfAborted(request.signal);
    using _lock = await state.lock('layer', id, request.signal);
    const existing = findSound(id);
    if (existing) return existing;
    using _operation = state.operations.begin('layer.unpack', id);
    if (state.layers.find(id)) return await heal(id, request, parent);
    // Without a record nobody vouches for what an engine left that died between the two.
    if (snapshots.exists(id)) await snapshots.remove(id);
    return record(id, request, await unpackAs(id, request, parent));
  }

  /** Into a new, committed snapshot; nothing of it is left after a failure. */
  async function unpackAs(key: Digest, request: UnpackRequest, parent: ReturnType<ParentWait['expect']>): Promise<UnpackResult> {
    const { diffDirectory } = await snapshots.create(key, request.parentChainId);
    try {
      const result = await fill(diffDirectory, request);
      check(result, request);
      await parent.ready(request.signal);
      if (!result.rootSeen && request.parentChainId !== undefined) copyRoot(snapshots.diffDirectory(request.parentChainId), diffDirectory);
      await snapshots.commit(key);
      return result;
    } catch (error) {
      const reason = await discard(key, error);
      throw isEngineError(reason) ? reason.within(`layer ${request.diffId}`) : reason;
    }
  }

  /** Images, containers and layers depend on it, so that it cannot go before the new one is whole. */
  async function heal(id: Digest, request: UnpackRequest, parent: ReturnType<ParentWait['expect']>): Promise<LayerRecord> {
    const standIn = standInFor(id);
    using _lock = await state.lock('layer', standIn, request.signal);
    if (snapshots.exists(standIn)) await snapshots.remove(standIn);
    const result = await unpackAs(standIn, request, parent);
    try {
      await snapshots.replace(id, standIn);
    } catch (error) {
      const reason = await discard(standIn, error);
      throw isEngineError(reason) ? reason.within(`layer ${request.diffId} is damaged`) : reason;
    }
    return record(id, request, result);
  }

  function fill(diffDirectory: string, { source, blobDigest, signal, onProgress }: UnpackRequest): Promise<UnpackResult> {
    pool ??= new WorkerPool(workerPath);
    const beside = dirname(diffDirectory);
    const job = {
      diffDirectory,
      alias: join(beside, 'alias'),
      place: graphRoot,
      whiteoutForm: snapshots.whiteoutForm,
      xattrPrefix: snapshots.xattrPrefix,
      files: recipeFilesIn(beside),
      path: source instanceof Readable ? undefined : source.path,
      inode: 'sizes' in source ? source.inode : undefined,
      // Of a download it was checked on the way to the disk.
      hashBlob: blobDigest !== undefined,
    };
    return pool.use(signal, (worker) => runInWorker(worker, { job, source: 'destroy' in source ? source : undefined, signal, onProgress }));
  }

  function record(id: Digest, { diffId, parentChainId, blobDigest }: UnpackRequest, result: UnpackResult): LayerRecord {
    const layer: LayerRecord = {
      chainId: id,
      diffId,
      parentChainId,
      sizeBytes: result.tarBytes,
      createdAt: Math.round(system.clock.nowMs()),
    };
    state.transaction(() => {
      state.layers.put(layer);
      if (blobDigest !== undefined) state.layers.putBlob({ blobDigest, diffId, sizeBytes: result.blobBytes });
    });
    return layer;
  }

  /** After a failure, which it answers; one of its own is told with it, so that neither hides the other. */
  async function discard(id: Digest, reason: unknown): Promise<unknown> {
    try {
      await snapshots.remove(id);
      return reason;
    } catch (error) {
      const text = `${messageOf(reason)}; besides, its remains could not be removed: ${messageOf(error)}`;
      const cause = new AggregateError([reason, error]);
      if (!isEngineError(reason)) return new EngineError('internal', text, { cause });
      const { code, fix, details } = reason;
      return new EngineError(code, text, { ...(fix === undefined ? {} : { fix }), details, cause });
    }
  }

  async function remove(id: Digest): Promise<void> {
    using _lock = await state.lock('layer', id);
    const child = state.layers.list().find(({ parentChainId }) => parentChainId === id);
    if (child) throw inUse(id, `layer ${child.chainId} lies on it`, { layer: child.chainId });
    // In one look at both, since an image may be on its way from the one to the other.
    const images = state.transaction(() => [
      ...state.images.list(),
      ...state.trash.list().flatMap((entry) => (entry.kind === 'image' ? [entry.record] : [])),
    ]);
    const image = images.find(({ chainIds }) => chainIds.includes(id));
    if (image) throw inUse(id, `image ${image.id.slice(0, 12)} needs it`, { image: image.id });
    // The snapshot first: it refuses while a container lies on it. Without it the record is no longer believed.
    await snapshots.removeMappedCopies(id);
    await snapshots.remove(id);
    state.transaction(() => {
      state.layers.remove(id);
    });
  }

  /** Files and record vouch for each other; one without the other is what a death left. Answers whether there was any. */
  async function removeRemains(id: Digest): Promise<boolean> {
    using lock = state.tryLock('layer', id);
    // Somebody works on it.
    if (!lock || find(id)) return false;
    const recorded = state.layers.find(id) !== undefined;
    if (!recorded && !snapshots.has(id)) return false;
    await snapshots.removeMappedCopies(id);
    await snapshots.remove(id);
    if (recorded)
      state.transaction(() => {
        state.layers.remove(id);
      });
    return true;
  }

  async function repair(): Promise<readonly string[]> {
    const repaired: string[] = [];
    const recorded = state.layers.list().map((layer) => layer.chainId);
    for (const id of new Set([...inFiles().keys(), ...recorded]))
      if (await removeRemains(id)) repaired.push(`removed what was left of the unfinished layer ${id}`);
    return repaired;
  }

  function inFiles(): Map<Digest, SnapshotEntry> {
    return new Map(snapshots.list().flatMap((entry) => (entry.key.startsWith('sha256:') ? [[entry.key as Digest, entry] as const] : [])));
  }

  function findProblems(): LayerProblem[] {
    const files = inFiles();
    const records = new Set(state.layers.list().map((layer) => layer.chainId));
    return [...new Set([...files.keys(), ...records])].flatMap((chainId): LayerProblem[] => {
      const kind = problemOf(files.get(chainId), records.has(chainId), (id) => isDamaged(snapshots, id));
      if (!kind) return [];
      // Somebody works on it, or has ended to since we looked.
      using lock = state.tryLock('layer', chainId);
      const changed = !lock || snapshots.exists(chainId) !== (files.get(chainId)?.committed ?? false);
      return changed || (state.layers.find(chainId) !== undefined) !== records.has(chainId) ? [] : [{ chainId, kind }];
    });
  }

  function recipeFiles(id: Digest): RecipeFiles {
    return recipeFilesIn(dirname(snapshots.diffDirectory(id)));
  }

  async function* read(id: Digest, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const layer = find(id);
    if (!layer) throw new EngineError('not-found', `layer ${id} is not in the store`);
    const files = recipeFiles(id);
    if (!existsSync(files.recipe)) throw noRecipe(layer);
    pool ??= new WorkerPool(workerPath);
    try {
      yield* readInWorker(pool, { job: { diffDirectory: snapshots.diffDirectory(id), files }, layer, signal });
    } catch (error) {
      if (isEngineError(error, 'corrupt')) noteDamage(id);
      throw isEngineError(error) ? error.within(`layer ${layer.diffId}`) : error;
    }
  }

  function noteDamage(id: Digest): void {
    // Taken away in the middle: then its files are gone, not damaged.
    if (!find(id)) throw new EngineError('not-found', `layer ${id} was removed while it was read`);
    markDamaged(snapshots, id);
  }

  function findSound(id: Digest): LayerRecord | undefined {
    const layer = find(id);
    return layer && !isDamaged(snapshots, id) ? layer : undefined;
  }

  function find(id: Digest): LayerRecord | undefined {
    return (snapshots.exists(id) ? state.layers.find(id) : undefined) ?? borrow(id);
  }

  /** From an additional store, with all below it: from then on it is a layer here, the files of which are there. */
  function borrow(id: Digest): LayerRecord | undefined {
    const there = state.additional.findLayer(id);
    if (!there) return undefined;
    const { record: layer, path } = there;
    if (layer.parentChainId !== undefined && !find(layer.parentChainId)) return undefined;
    // Somebody makes one of its own, or takes it away.
    using lock = state.tryLock('layer', id);
    if (!lock || !snapshots.borrow(id, layer.parentChainId, path)) return undefined;
    state.transaction(() => {
      state.layers.put(layer);
    });
    return layer;
  }

  return {
    chainId,
    find,
    findSound,
    unpack,
    remove,
    async removeRemains(id) {
      await removeRemains(id);
    },
    repair,
    findProblems,
    canRead: (id) => find(id) !== undefined && existsSync(recipeFiles(id).recipe),
    read,
    async verify(id, signal) {
      // Reading is checking.
      for await (const _chunk of read(id, signal));
    },
  };
}

function problemOf(
  files: SnapshotEntry | undefined,
  recorded: boolean,
  isDamaged: (id: Digest) => boolean,
): LayerProblem['kind'] | undefined {
  if (files?.damaged === true || (files?.committed === true && isDamaged(files.key as Digest))) return 'damaged-layer';
  if (recorded) return files?.committed === true ? undefined : 'missing-layer';
  return 'half-pulled-layer';
}

function check({ blobDigest, diffId }: UnpackResult, request: UnpackRequest): void {
  const mismatch = (what: string, is: string, expected: string) =>
    new EngineError('digest-mismatch', `its ${what} has the digest ${is} instead of ${expected}`, {
      fix: 'pull again; if it happens again, the image in the registry is damaged',
      details: { is, expected },
    });
  if (blobDigest !== request.blobDigest) throw mismatch('compressed data', String(blobDigest), String(request.blobDigest));
  if (diffId !== request.diffId) throw mismatch('uncompressed data', diffId, request.diffId);
}

function noRecipe({ diffId }: LayerRecord): EngineError {
  return new EngineError(
    'unsupported',
    `layer ${diffId} cannot be put together again: it was unpacked by a version that did not keep what that takes`,
    { fix: 'remove the images that have it, and pull or load them again', details: { diffId } },
  );
}

/** A layer that does not speak of its root leaves it as it was: overlay would show the upper one's mode and owner. */
function copyRoot(parent: string, diff: string): void {
  const { mode, uid, gid } = statSync(parent);
  chownSync(diff, uid, gid);
  chmodSync(diff, mode & 0o7777);
}

function inUse(id: Digest, why: string, details: Record<string, string>): EngineError {
  return new EngineError('in-use', `layer ${id} cannot be removed: ${why}`, { fix: 'remove that first', details });
}
