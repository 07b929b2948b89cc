/**
 * The composition root: makes one engine out of its rooms. Nothing else in the engine knows more than its own dependencies.
 */
import { messageOf } from '../base/errors.ts';
import type { EngineHandlers } from '../contract/engine.ts';
import type { System } from '../system/system.ts';
import type { EngineConfig } from './config/config.ts';
import { cleanUpCommand, createContainers } from './container/container.ts';
import { createImageStore } from './image/image.ts';
import { createLayerStore } from './layer/layer.ts';
import { openMonitor } from './monitor/monitor.ts';
import { createNetwork } from './network/network.ts';
import { openOciRuntime } from './runtime/runtime.ts';
import { createHandlers } from './service/service.ts';
import { openSnapshotStore } from './snapshot/snapshot.ts';
import { openState } from './state/state.ts';
import { createTrash, type Trash, withTrashRelief } from './trash/trash.ts';
import { createUpkeep } from './upkeep/upkeep.ts';
import { createVolumeStore } from './volume/volume.ts';

export interface Engine extends AsyncDisposable {
  /** What a host serves by the contract. */
  readonly handlers: EngineHandlers;
  /** Repairs what earlier engines left, in the words of a person. Idempotent; under 1 ms when there is nothing to do. */
  recover(): Promise<readonly string[]>;
  /** From now on, and until the engine is disposed, handles the exits of containers as they happen. */
  watchExits(): void;
  /** Handles the exits that were reported and not handled; answers how many. */
  handlePendingExits(): Promise<number>;
  /** What of the configuration is not used although the engine works without it, one line each. */
  warnings(): readonly string[];
  /** Deletes what has been in the trash for too long, or is too much. */
  tidyTrash(): Promise<readonly string[]>;
}

/**
 * Opens the store that `config` names and puts the rooms together. Programs (crun, conmon, netavark …) are looked for when
 * they are first needed, so that listing does not depend on them.
 */
export function createEngine(config: EngineConfig, system: System): Engine {
  const { graphRoot, runRoot } = config;
  system.files.ensureDirectory(runRoot, 0o700);
  // Which of them can be used depends on the driver, which needs the store's folder.
  let imageStores: readonly string[] = [];
  const state = openState({ graphRoot, runRoot, system, imageStores: () => imageStores });
  const snapshots = openSnapshotStore({ config, system });
  imageStores = snapshots.imageStores;
  const layers = createLayerStore({ state, snapshots, system, graphRoot });
  const images = withTrashRelief(createImageStore({ config, state, layers, snapshots, system }), () => trash);
  const volumes = createVolumeStore({ config, state, system });
  const network = createNetwork({ config, state, system });
  const runtime = openOciRuntime({ config, system });
  const monitor = openMonitor({ config, system, runtime });
  const { containers, exits, recovery } = createContainers({
    config,
    state,
    system,
    images,
    snapshots,
    volumes,
    network,
    runtime,
    monitor,
  });
  const trash: Trash = createTrash({
    config,
    state,
    system,
    snapshots,
    images,
    volumes,
    containers,
    cleanUpCommand: () => cleanUpCommand(config),
  });
  const upkeep = createUpkeep({ config, state, system, snapshots, images, volumes, containers, recovery, trash });
  let watch: AsyncDisposable | undefined;
  let keeping: AsyncDisposable | undefined;

  async function repairLayers(): Promise<readonly string[]> {
    const unpacks = state.operations.abandoned().filter(({ kind }) => kind === 'layer.unpack');
    const messages = unpacks.length > 0 || recovery.isFirstSinceBoot() ? await layers.repair() : [];
    for (const { id } of unpacks) state.operations.remove(id);
    return messages;
  }

  return {
    handlers: createHandlers({
      config,
      system,
      state,
      snapshots,
      images,
      volumes,
      network,
      runtime,
      monitor,
      containers,
      recovery,
      trash,
      upkeep,
    }),
    async recover() {
      const messages: string[] = [];
      // Before the rooms have seen to theirs: whatever somebody was doing when he died, there may be a tree that he was deleting.
      const sweep = state.operations.abandoned().length > 0;
      // One that fails does not keep the engine from starting, or the others from being repaired: its operation stays for the next.
      for (const step of [() => images.recover(), repairLayers, () => recovery.recover({ sweep }), () => trash.recover()])
        messages.push(...(await step().catch((error: unknown) => [`a repair failed: ${messageOf(error)}`])));
      return messages;
    },
    watchExits() {
      watch ??= exits.watch();
      keeping ??= trash.keep();
    },
    handlePendingExits: () => exits.handlePending(),
    warnings: () => [...snapshots.imageStoreWarnings, ...state.additional.warnings()],
    tidyTrash: () => trash.tidy(),
    async [Symbol.asyncDispose]() {
      await keeping?.[Symbol.asyncDispose]();
      await watch?.[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    },
  };
}
