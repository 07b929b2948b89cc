import { isEngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { Containers, Recovery } from '../container/container.ts';
import type { ImageStore } from '../image/image.ts';
import type { Monitor } from '../monitor/monitor.ts';
import type { Network } from '../network/network.ts';
import type { OciRuntime } from '../runtime/runtime.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { State } from '../state/state.ts';
import type { Trash } from '../trash/trash.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';
import type { VolumeStore } from '../volume/volume.ts';

/** The opened rooms of one engine. */
export interface Rooms {
  readonly config: EngineConfig;
  readonly system: System;
  readonly state: State;
  readonly snapshots: SnapshotStore;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly network: Network;
  readonly runtime: OciRuntime;
  readonly monitor: Monitor;
  readonly containers: Containers;
  readonly recovery: Recovery;
  readonly trash: Trash;
  readonly upkeep: Upkeep;
}

/** A removal by a person: told whether it may keep things in the trash, which is looked after then. */
export async function removing<T>({ state, trash }: Rooms, wanted: boolean, remove: (toTrash: boolean) => Promise<T>): Promise<T> {
  const toTrash = wanted && trash.limits().keepDays > 0;
  const removed = await withReserve(state, () => remove(toTrash));
  if (toTrash) trash.noteRemoval();
  return removed;
}

/** Of something that makes room: on a full disk it is done once more, with what was set aside for it. */
export async function withReserve<T>(state: State, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isEngineError(error, 'disk-full') || !state.releaseReserve()) throw error;
    return await run();
  }
}
