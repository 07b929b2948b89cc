import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { ContainerRecord } from '../state/state.ts';
import type { Room } from './room.ts';

/**
 * Takes down all that a start has put up: the runtime's container and its cgroup, the network, the mount, the bundle. Each
 * step works when there is nothing to do, so it serves a regular exit, a failed start, and repairs alike. A step that fails does
 * not keep the others from running; the first failure is thrown at the end.
 */
export async function cleanUp(room: Room, record: Pick<ContainerRecord, 'id' | 'name' | 'networkState'>): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void> | void): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all([
    attempt(() => deleteFromRuntime(room, record.id)),
    attempt(async () => {
      if (record.networkState !== undefined) await room.network.teardown(record.networkState);
    }),
  ]);
  // What a start that was killed before it knew the network's state has left.
  await attempt(() => room.system.namespaces.removeNetwork(room.paths.networkNamespace(record.id)));
  await attempt(() => {
    // Whoever has asked for the mount, or reads it, goes on.
    if (!room.trees.isNeeded(record.id)) room.snapshots.unmount(record.id);
  });
  await attempt(() => rmSync(room.paths.bundle(record.id), { recursive: true, force: true, maxRetries: 5, retryDelay: 2 }));
  if (failures.length === 0) return;
  const [first] = failures;
  const clause = `cleaning up container ${record.name}`;
  throw isEngineError(first) ? first.within(clause) : new EngineError('internal', `${clause}: ${messageOf(first)}`, { cause: first });
}

/** Both crun and runc keep a folder per container in their root: without it there is nothing to delete and no process to spawn. */
export async function deleteFromRuntime(room: Room, id: string): Promise<void> {
  if (existsSync(join(room.config.runRoot, 'oci', id))) await room.runtime.delete(id, { force: true });
}

/** Whether a start, or a clean-up that did not finish, has left something of a container that does not run. */
export function hasLeftovers(room: Room, record: ContainerRecord): boolean {
  return record.networkState !== undefined || existsSync(room.paths.bundle(record.id));
}

export function removeExitFile(room: Room, id: string): void {
  rmSync(room.paths.exitFile(id), { force: true });
}
