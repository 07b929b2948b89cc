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
}

/** A removal by a person: what it puts into the trash is looked after. */
export async function removing<T>({ trash }: Rooms, toTrash: boolean, remove: () => Promise<T>): Promise<T> {
  const removed = await remove();
  if (toTrash) trash.noteRemoval();
  return removed;
}
