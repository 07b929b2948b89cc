import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PathChange } from '../../contract/container.ts';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { type Change, isEngineMade, snapshotChanges, toText, treeChanges } from '../tree/tree.ts';
import type { Room } from './room.ts';

export interface DiffOptions {
  /** Which kinds of objects the names may be of. Images come first, as Podman has it. */
  readonly kinds: readonly ('image' | 'container')[];
  /** What it is compared with; undefined: what it was made from. */
  readonly base: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const sliceMs = 8;

/**
 * Of a container against its image, of an image's last layer against those below it, or of one tree against another; in order of path. What the engine
 * itself has put there is left out.
 */
export async function diffTrees(room: Room, nameOrId: string, options: DiffOptions): Promise<PathChange[]> {
  const { attributes } = room.system;
  const { signal } = options;
  const key = keyOf(room, nameOrId, options);
  if (options.base === undefined) {
    if (key === undefined) return [];
    return await toPathChanges(snapshotChanges(room.snapshots.changes(key), { attributes, signal }), signal);
  }
  const baseKey = keyOf(room, options.base, options);
  await using after = await hold(room, key);
  await using before = await hold(room, baseKey);
  if (!after) return [];
  return await toPathChanges(treeChanges({ after: after.path, before: before?.path, attributes, signal, folderTimes: false }), signal);
}

async function hold(room: Room, key: string | undefined) {
  return key === undefined ? undefined : await room.trees.hold(key);
}

/** Undefined: an image without a layer. */
function keyOf(room: Room, nameOrId: string, { kinds }: DiffOptions): string | undefined {
  if (kinds.includes('image')) {
    const image = room.images.find(nameOrId);
    if (image) return image.record.chainIds.at(-1);
    if (!kinds.includes('container')) throw new EngineError('not-found', `${nameOrId} not found: ${nameOrId}: image not known`);
  }
  try {
    return room.state.containers.resolve(nameOrId).id;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
    const what = kinds.includes('image') ? 'layer' : 'container';
    throw new EngineError('not-found', `${nameOrId} not found: ${what} not known`, { cause: error });
  }
}

async function toPathChanges(changes: Iterable<Change>, signal: AbortSignal | undefined): Promise<PathChange[]> {
  const found = new Map<string, PathChange['kind']>();
  let sliceEnd = performance.now() + sliceMs;
  for (const change of changes) {
    throwIfAborted(signal);
    const kind = kinds[change.kind];
    const path = 'entry' in change ? change.entry.path : change.path;
    if (kind !== undefined && path !== '' && !isEngineMade(path)) found.set(path, kind);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + sliceMs;
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, kind]) => ({ kind, path: `/${toText(path)}` }));
}

/** A folder that was made again is told as Podman tells it: deleted, with what is in it now added. */
const kinds: Readonly<Record<Change['kind'], PathChange['kind'] | undefined>> = {
  added: 'added',
  changed: 'changed',
  touched: 'changed',
  deleted: 'deleted',
  remade: 'deleted',
  within: undefined,
  linked: undefined,
};
