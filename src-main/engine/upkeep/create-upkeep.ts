import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isEngineError, messageOf } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { RepairDone, RepairPlan, StoreProblem } from '../../contract/system.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { Containers, Recovery } from '../container/container.ts';
import type { ImageStore } from '../image/image.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { State } from '../state/state.ts';
import type { Trash } from '../trash/trash.ts';
import type { VolumeStore } from '../volume/volume.ts';
import { resetStore } from './reset.ts';
import type { RepairSearch, Upkeep } from './upkeep.ts';

export interface UpkeepOptions {
  readonly config: Pick<EngineConfig, 'graphRoot' | 'runRoot'>;
  readonly state: State;
  readonly system: System;
  readonly snapshots: SnapshotStore;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly containers: Containers;
  readonly recovery: Recovery;
  readonly trash: Trash;
}

type Action = RepairPlan['actions'][number];

const layerKinds: ReadonlySet<string> = new Set(['half-pulled-layer', 'missing-layer', 'damaged-layer', 'unreferenced-layer']);
const makesImages: ReadonlySet<string> = new Set(['image.pull', 'image.commit', 'image.import', 'container.commit', 'layer.unpack']);
/** What the recovery of the first engine after a crash does, without the crash. */
const recoverable: ReadonlySet<string> = new Set([
  ...[
    'interrupted-operation',
    'dead-container',
    'stale-mount',
    'stale-runtime-container',
    'leaked-namespace',
    'stale-files',
    'unread-exit',
  ],
]);

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { config, state, snapshots, images, recovery, system } = options;

  /** Layers of images, and of containers, here or in the trash: whoever has it as its own or below its own. */
  function isNeeded(chainId: Digest): boolean {
    return !images.unreferencedLayers().includes(chainId) && (state.layers.find(chainId) !== undefined || usersOf(chainId).length > 0);
  }

  function usersOf(chainId: Digest): string[] {
    const trashed = state.trash.list().flatMap((entry) => (entry.kind === 'image' ? [entry.record] : []));
    return [...state.images.list(), ...trashed]
      .filter(({ chainIds }) => chainIds.includes(chainId))
      .map(({ id, names }) => names[0] ?? id.slice(0, 12));
  }

  /** Nobody has claimed them, and nobody is at work on them. */
  function unreferencedLayers(): StoreProblem[] {
    const busy = new Set(state.operations.list().flatMap(({ details, object }) => [object, ...textsOf(details['chainIds'])]));
    // Their layers belong to nobody until the image is there.
    if (state.operations.list().some(({ kind }) => makesImages.has(kind))) return [];
    const unreferenced = images.unreferencedLayers();
    // Of a layer of an additional store there are links here, as many as will be wanted again when that store is; they may lie on layers that became ours.
    const linked = new Set(unreferenced.filter((chainId) => snapshots.isBorrowed(chainId)).flatMap(withParents));
    return unreferenced
      .filter((chainId) => !busy.has(chainId) && !linked.has(chainId))
      .map((chainId) => ({
        kind: 'unreferenced-layer',
        object: chainId,
        message: `layer ${chainId.slice(7, 19)} is needed by no image and no container`,
      }));
  }

  function withParents(chainId: Digest): Digest[] {
    const chain: Digest[] = [];
    for (let at: Digest | undefined = chainId; at !== undefined; at = state.layers.find(at)?.parentChainId) chain.push(at);
    return chain;
  }

  /** Folders in the trash that no entry leads to, while nobody empties it. */
  function strayTrash(): StoreProblem[] {
    if (state.operations.list().some(({ kind }) => kind === 'trash.empty' || kind === 'volume.restore')) return [];
    return namesIn(join(config.graphRoot, 'trash'))
      .filter((name) => !state.trash.find(name))
      .map((name) => ({ kind: 'orphan-trash', object: name, message: `a removed volume in the trash (${name}) that no entry leads to` }));
  }

  async function planRepair({ contents = false, signal }: RepairSearch = {}): Promise<RepairPlan> {
    if (contents) await images.verify(signal);
    const told = await recovery.findProblems();
    const known = new Set(told.map(({ object }) => object));
    const problems = [...told, ...unreferencedLayers().filter(({ object }) => !known.has(object)), ...strayTrash()];
    const plan: { actions: Action[]; manual: RepairPlan['manual'] } = { actions: [], manual: [] };
    for (const problem of problems) {
      const step = stepFor(problem);
      if ('action' in step) plan.actions.push({ ...problem, action: step.action });
      else plan.manual.push({ ...problem, advice: step.advice });
    }
    return plan;
  }

  function stepFor({ kind, object }: StoreProblem): { readonly action: string } | { readonly advice: string } {
    if (recoverable.has(kind)) return { action: 'finish or undo what was interrupted, and take away what a run has left' };
    if (layerKinds.has(kind)) {
      if (!isNeeded(object as Digest)) return { action: 'delete it' };
      const users = usersOf(object as Digest);
      return { advice: users.length === 0 ? 'a container needs it: remove that first' : healing(users) };
    }
    if (kind === 'orphan-snapshot' || kind === 'orphan-folder' || kind === 'orphan-trash') return { action: 'delete it' };
    if (kind === 'missing-blob' || kind === 'damaged-blob') return { advice: 'pulling or loading the image again brings it again' };
    if (kind === 'lost-monitor') return { advice: `restart it: selkie restart ${object.slice(0, 12)}` };
    if (kind === 'leaked-process') return { advice: `end the process if nothing needs it: kill ${object}` };
    return { advice: 'it cannot be repaired from here' };
  }

  async function repair(actions: readonly { readonly kind: string; readonly object: string }[]): Promise<RepairDone> {
    const wanted = new Set(actions.map(({ kind, object }) => `${kind} ${object}`));
    // Anew: what somebody has claimed since is no problem any more.
    const now = (await planRepair()).actions.filter(({ kind, object }) => wanted.has(`${kind} ${object}`));
    const done: string[] = [];
    const failed: string[] = [];
    async function attempt(what: string, run: () => Promise<unknown>): Promise<void> {
      try {
        await run();
        done.push(what);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        failed.push(`${what}: ${messageOf(error)}`);
      }
    }
    if (now.some(({ kind }) => recoverable.has(kind)))
      done.push(
        ...(await images.recover()),
        ...(await recovery.recover({ thorough: true, sweep: true })),
        ...(await options.trash.recover()),
      );
    const layers = now.filter(({ kind }) => layerKinds.has(kind)).map(({ object }) => object as Digest);
    // Parents after children: in the order in which they are no longer needed.
    if (layers.length > 0)
      await attempt(
        layers.length === 1 ? 'deleted 1 layer that nothing needs' : `deleted ${String(layers.length)} layers that nothing needs`,
        () => images.dropLayers(inOrder(layers)),
      );
    for (const { kind, object } of now) {
      if (kind === 'orphan-snapshot') await attempt(`deleted the writable layer ${object.slice(0, 12)}`, () => snapshots.remove(object));
      if (kind === 'orphan-folder')
        await attempt(`deleted the log of container ${object.slice(0, 12)}`, () =>
          system.files.removeTree(join(config.graphRoot, 'containers', object)),
        );
      if (kind === 'orphan-trash')
        await attempt(`deleted ${object} in the trash`, () => system.files.removeTree(join(config.graphRoot, 'trash', object)));
    }
    return { done, failed };
  }

  /** From the bottom up, as dropLayers takes them; unreferencedLayers has children first. */
  function inOrder(layers: readonly Digest[]): Digest[] {
    const order = images.unreferencedLayers().toReversed();
    return [...layers].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  }

  return { planRepair, repair, reset: () => resetStore(options) };
}

function healing(users: readonly string[]): string {
  const pulled = users.find((name) => !name.startsWith('localhost/'));
  const way = pulled === undefined ? 'selkie load of the archive that it came from' : `selkie pull ${pulled}`;
  return `needed by ${users.join(', ')}: ${way} brings it again`;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
