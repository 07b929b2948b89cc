import { rmSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { ContainerRecord, Operation } from '../state/state.ts';
import { cleanUp, removeExitFile } from './cleanup.ts';
import { appendEvent, endOperation, type Room } from './room.ts';

/**
 * Removes a container that does not run. The caller holds its lock. In order: state `removing` with the operation, what a run has left, the
 * snapshot, the folder with the log, its anonymous volumes if asked, the record. Each step can be repeated, so
 * `container.remove` is repaired by doing it again. When the record is gone, all is.
 */
export async function removeLocked(room: Room, record: ContainerRecord, options: { readonly volumes: boolean }): Promise<void> {
  const volumes = options.volumes ? anonymousVolumes(record) : [];
  const operation = room.state.transaction(() => {
    room.state.containers.update(record.id, { state: 'removing' });
    return room.state.operations.begin('container.remove', record.id, { volumes });
  });
  await finishRemove(room, record, volumes, operation);
}

export async function finishRemove(room: Room, record: ContainerRecord, volumes: readonly string[], operation: Operation): Promise<void> {
  try {
    await cleanUp(room, record);
    if (room.snapshots.exists(record.id)) await room.snapshots.remove(record.id);
    rmSync(room.paths.directory(record.id), { recursive: true, force: true });
    removeExitFile(room, record.id);
    await removeVolumes(room, volumes);
    room.state.transaction(() => {
      room.state.containers.remove(record.id);
      appendEvent(room, record, 'remove');
      endOperation(operation);
    });
  } catch (error) {
    operation.keep();
    throw error;
  }
  // Ids are never used again, and whoever still waits for this lock finds no record.
  rmSync(room.paths.lockFile(record.id), { force: true });
}

/** Anonymous volumes that another container mounts by name stay. */
export async function removeVolumes(room: Room, volumes: readonly string[]): Promise<void> {
  for (const name of volumes) {
    try {
      if (room.volumes.find(name)) await room.volumes.remove(name);
    } catch (error) {
      if (error instanceof EngineError && (error.code === 'in-use' || error.code === 'not-found')) continue;
      throw error;
    }
  }
}

export function anonymousVolumes(record: ContainerRecord): string[] {
  return record.config.mounts.filter((mount) => mount.anonymous && mount.volumeName !== '').map((mount) => mount.volumeName);
}
