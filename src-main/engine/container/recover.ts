import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { OperationRecord } from '../state/state.ts';
import { handleExit } from './after-exit.ts';
import { cleanUp, removeExitFile } from './cleanup.ts';
import type { Recovery } from './container.ts';
import { findExit } from './exit.ts';
import type { ExitSweeper } from './exit-handler.ts';
import { findTraces, leftoverWords } from './leftovers.ts';
import type { Restarts } from './restarts.ts';
import { isActive, titleOf, type Room } from './room.ts';

export function createRecovery(room: Room, restarts: Restarts, exits: ExitSweeper): Pick<Recovery, 'isFirstSinceBoot' | 'recover'> {
  return {
    isFirstSinceBoot: () => !wasSeenSinceBoot(room),
    async recover(options: { readonly thorough?: boolean; readonly sweep?: boolean } = {}) {
      const messages = [...(await room.trees.recover())];
      const abandoned = room.state.operations.abandoned().filter(isOurs);
      for (const operation of abandoned) messages.push(...(await repair(room, restarts, operation)));
      if (room.exitHub.pending().length > 0) await exits.sweep();
      const rebooted = !wasSeenSinceBoot(room);
      if (options.thorough === true || abandoned.length > 0 || rebooted) {
        messages.push(...(await recoverRecords(room, restarts)), ...(await recoverTraces(room)));
        if (rebooted) room.system.files.writeAtomically(bootMarker(room), room.system.identity.bootId);
      }
      // The journal is not synced: a power failure may have taken its entries with it.
      if (options.sweep === true || abandoned.length > 0 || rebooted) messages.push(...(await sweepSnapshots(room)));
      await restarts.flush();
      return messages;
    },
  };
}

function isOurs({ kind }: OperationRecord): boolean {
  return kind.startsWith('container.');
}

async function repair(room: Room, restarts: Restarts, operation: OperationRecord): Promise<string[]> {
  const id = operation.object as ContainerId;
  try {
    using _lock = await room.state.lock('container', id);
    // Another engine that started at the same time may have been faster.
    if (!room.state.operations.abandoned().some((other) => other.id === operation.id)) return [];
    const { repairOperation } = await import('./repair.ts');
    const message = await repairOperation(room, restarts, operation, id);
    return message === undefined ? [] : [message];
  } catch (error) {
    return [`${operation.kind} of ${id.slice(0, 12)}, which was interrupted, could not be repaired: ${messageOf(error)}`];
  }
}

/** The run root is new after a reboot, or the marker is of an earlier one: then no record can be trusted. */
function wasSeenSinceBoot(room: Room): boolean {
  try {
    return readFileSync(bootMarker(room), 'latin1') === room.system.identity.bootId;
  } catch {
    return false;
  }
}

function bootMarker(room: Room): string {
  return join(room.config.runRoot, 'boot-id');
}

/** Records that say "running" of what has ended unseen. */
async function recoverRecords(room: Room, restarts: Restarts): Promise<string[]> {
  const messages: string[] = [];
  for (const record of room.state.containers.list()) {
    const found = findExit(room, record);
    if (!found) continue;
    try {
      if (!(await handleExit(room, restarts, record.id))) continue;
      if (found.lost !== '') messages.push(`${titleOf(record)} was marked ${record.state}, but ${found.lost}: marked as exited`);
    } catch (error) {
      messages.push(`${titleOf(record)} has ended, but could not be cleaned up: ${messageOf(error)}`);
    }
  }
  return messages;
}

/** What is in the run root of containers that do not run, and that nobody is at work on. */
async function recoverTraces(room: Room): Promise<string[]> {
  const messages: string[] = [];
  for (const [id, kinds] of findTraces(room)) {
    using lock = room.state.tryLock('container', id);
    if (!lock) continue;
    const record = room.state.containers.find(id);
    if (record && isActive(record)) continue;
    const title = record ? titleOf(record) : `container ${id.slice(0, 12)}, which is not in the store`;
    try {
      await cleanUp(room, record ?? { id, name: id.slice(0, 12), networkState: undefined });
      removeExitFile(room, id);
      if (record?.networkState !== undefined) room.state.containers.update(id, { networkState: undefined, network: undefined });
      messages.push(`removed what was left of a run of ${title}: ${kinds.map((kind) => leftoverWords[kind]).join(', ')}`);
    } catch (error) {
      messages.push(`what was left of a run of ${title} could not be removed: ${messageOf(error)}`);
    }
  }
  return messages;
}

async function sweepSnapshots(room: Room): Promise<string[]> {
  using lock = room.state.tryLock('store', 'store');
  if (!lock) return [];
  const swept = await room.snapshots.sweep();
  return swept.length === 0 ? [] : [`deleted ${swept.length} half-made or half-removed file ${swept.length === 1 ? 'tree' : 'trees'}`];
}
