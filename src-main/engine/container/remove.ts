import { existsSync, rmSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import { newTrashId, type ContainerRecord, type Operation } from '../state/state.ts';
import { cleanUp, removeExitFile } from './cleanup.ts';
import { appendEvent, endOperation, type Room } from './room.ts';

/**
 * Removes a container that does not run. The caller holds its lock. In order: state `removing` with the operation, what a run has left, the
 * snapshot, the folder with the log, its anonymous volumes if asked, the record. Each step can be repeated, so
 * `container.remove` is repaired by doing it again. When the record is gone, all is. With `trash`, snapshot and folder stay where they are, and
 * the record goes to the trash, which leads to them.
 */
export async function removeLocked(
  room: Room,
  record: ContainerRecord,
  options: { readonly volumes: boolean; readonly trash?: boolean },
): Promise<void> {
  const volumes = options.volumes ? anonymousVolumes(record) : [];
  const trashId = options.trash === true ? newTrashId() : undefined;
  const operation = room.state.transaction(() => {
    room.state.containers.update(record.id, { state: 'removing' });
    return room.state.operations.begin('container.remove', record.id, { volumes, ...(trashId === undefined ? {} : { trashId }) });
  });
  await finishRemove(room, record, { volumes, trashId }, operation);
}

export interface Removal {
  readonly volumes: readonly string[];
  /** Of its entry in the trash; undefined: it is deleted. */
  readonly trashId: string | undefined;
}

export async function finishRemove(
  room: Room,
  record: ContainerRecord,
  { volumes, trashId }: Removal,
  operation: Operation,
): Promise<void> {
  try {
    room.trees.forget(record.id);
    await cleanUp(room, record);
    // Who still reads it keeps what it has open, and is told at its end.
    if (existsSync(room.snapshots.mountPoint(record.id))) room.snapshots.unmount(record.id);
    if (trashId === undefined) await removeFiles(room, record.id);
    removeExitFile(room, record.id);
    await removeVolumes(room, volumes, trashId !== undefined);
    room.state.transaction(() => {
      room.state.containers.remove(record.id);
      if (trashId !== undefined) toTrash(room, record, trashId);
      appendEvent(room, record, 'remove');
      endOperation(operation);
    });
  } catch (error) {
    operation.keep();
    throw error;
  }
  // Ids are never used again but by what comes back out of the trash, and whoever still waits for this lock finds no record.
  if (trashId === undefined) rmSync(room.paths.lockFile(record.id), { force: true });
}

/** What the record leads to and no run has made. */
export async function removeFiles(room: Room, id: ContainerRecord['id']): Promise<void> {
  if (room.snapshots.exists(id)) await room.snapshots.remove(id);
  rmSync(room.paths.directory(id), { recursive: true, force: true });
}

function toTrash(room: Room, record: ContainerRecord, id: string): void {
  const removedAt = Math.round(room.system.clock.nowMs());
  room.state.trash.insert({ id, kind: 'container', object: record.id, name: record.name, removedAt, sizeBytes: undefined, record });
}

/** Anonymous volumes that another container mounts by name stay. */
export async function removeVolumes(room: Room, volumes: readonly string[], trash = false): Promise<void> {
  for (const name of volumes) {
    try {
      if (room.volumes.find(name)) await room.volumes.remove(name, { trash });
    } catch (error) {
      if (error instanceof EngineError && (error.code === 'in-use' || error.code === 'not-found')) continue;
      throw error;
    }
  }
}

export function anonymousVolumes(record: ContainerRecord): string[] {
  return record.config.mounts.filter((mount) => mount.anonymous && mount.volumeName !== '').map((mount) => mount.volumeName);
}
