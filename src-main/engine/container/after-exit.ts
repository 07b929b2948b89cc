import type { ContainerId } from '../../contract/ids.ts';
import { deleteFromRuntime, removeExitFile } from './cleanup.ts';
import { findExit, settleExit, type Settled } from './exit.ts';
import { removeLocked } from './remove.ts';
import type { Restarts } from './restarts.ts';
import { endOperation, isActive, type Room } from './room.ts';

/**
 * Handles the end of a container, if it has ended and nobody was faster: record, clean-up, then what comes after: removal
 * (`--rm`) or restart. Answers whether there was an exit to handle.
 */
export async function handleExit(room: Room, restarts: Restarts, id: ContainerId): Promise<boolean> {
  using _lock = await room.state.lock('container', id);
  const record = room.state.containers.find(id);
  if (!record) {
    await deleteFromRuntime(room, id);
    removeExitFile(room, id);
    return false;
  }
  const found = findExit(room, record);
  if (!found) {
    // Of a start that was undone, or of an earlier run.
    if (!isActive(record) || room.system.processes.startTime(record.pid) === record.pidStartTime) removeExitFile(room, id);
    return false;
  }
  await followUp(room, restarts, await settleExit(room, record, found));
  return true;
}

/** The caller holds the container's lock. */
export async function followUp(room: Room, restarts: Restarts, settled: Settled): Promise<void> {
  switch (settled.followUp) {
    case 'none':
      return;
    case 'remove':
      await removeLocked(room, settled.record, { volumes: true });
      endOperation(settled.operation);
      return;
    case 'restart':
      restarts.schedule(settled);
  }
}
