import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRecord, Operation } from '../state/state.ts';
import { cleanUp, removeExitFile } from './cleanup.ts';
import type { ExitReport } from './exit-hub.ts';
import { isRemovedAtEnd } from './keep.ts';
import { bundleFiles } from './paths.ts';
import { wantsRestart } from './restart-policy.ts';
import { appendEvent, endOperation, isActive, isMonitorAlive, isProcessAlive, type Room } from './room.ts';

/** When nobody has kept the exit code: the monitor was killed, or the host went down. */
export const unknownExitCode = 255;

export interface FoundExit extends ExitReport {
  /** Why the code is not known; empty when conmon reported it. */
  readonly lost: string;
}

export interface Settled {
  readonly record: ContainerRecord;
  readonly followUp: 'none' | 'remove' | 'restart';
  /** Of the clean-up: open until the follow-up is done, so that a crash in between is repaired. */
  readonly operation: Operation;
}

/**
 * Whether a container that the record takes for running has ended. An exit file while its process lives is one of an
 * earlier run; a dead process without exit file is not an exit yet while conmon lives, since conmon is about to report it.
 */
export function findExit(room: Room, record: ContainerRecord): FoundExit | undefined {
  if (!isActive(record)) return undefined;
  if (record.bootId !== room.system.identity.bootId) return lostExit(room, 'the host was restarted while it ran');
  if (isProcessAlive(room, record)) return undefined;
  // Asked before the file is read: a conmon that ends in between has written it.
  const monitorAlive = isMonitorAlive(room, record);
  const report = room.exitHub.read(record.id);
  if (report) return { ...report, lost: '' };
  if (monitorAlive) return undefined;
  // Who reads without the lock may hold an old record: another engine has handled the exit since, and its report is gone.
  const now = room.state.containers.find(record.id);
  if (now && isActive(now) && now.pidStartTime === record.pidStartTime) {
    return lostExit(room, 'its monitor ended without reporting the exit code');
  }
  if (now?.exitCode === undefined || now.finishedAt === undefined) return undefined;
  return { code: now.exitCode, finishedAt: now.finishedAt, lost: now.error };
}

function lostExit(room: Room, why: string): FoundExit {
  return { code: unknownExitCode, finishedAt: Math.round(room.system.clock.nowMs()), lost: why };
}

/** What an exit makes of a record. */
export function exitedChange(found: FoundExit) {
  return {
    state: 'exited',
    exitCode: found.code,
    finishedAt: found.finishedAt,
    error: found.lost,
    pid: 0,
    pidStartTime: 0,
    conmonPid: 0,
    conmonStartTime: 0,
  } as const;
}

/**
 * Records an exit and cleans up. The caller holds the container's lock. The exit is visible (`died`) before the slow part;
 * a crash after that leaves a `container.cleanup` operation, from which the rest is done again.
 */
export async function settleExit(room: Room, record: ContainerRecord, found: FoundExit): Promise<Settled> {
  const oomKilled = existsSync(join(room.paths.bundle(record.id), bundleFiles.oom));
  const { operation, exited } = room.state.transaction(() => {
    const after = room.state.containers.update(record.id, { ...exitedChange(found), oomKilled });
    appendEvent(room, after, 'died', {
      exitCode: found.code,
      attributes: { containerExitCode: String(found.code), ...(oomKilled ? { oomKilled: 'true' } : {}) },
    });
    return { operation: room.state.operations.begin('container.cleanup', record.id, { exitCode: found.code }), exited: after };
  });
  removeExitFile(room, record.id);
  return finishExit(room, exited, operation);
}

/** The part after the exit was recorded; what an abandoned `container.cleanup` repeats. */
export async function finishExit(room: Room, record: ContainerRecord, operation: Operation): Promise<Settled> {
  try {
    await cleanUp(room, record);
  } catch (error) {
    operation.keep();
    throw error;
  }
  const followUp = isRemovedAtEnd(room, record) ? 'remove' : wantsRestart(record) ? 'restart' : 'none';
  const cleaned = room.state.transaction(() => {
    const after = room.state.containers.update(record.id, { networkState: undefined, network: undefined });
    appendEvent(room, after, 'cleanup');
    if (followUp === 'none') endOperation(operation);
    return after;
  });
  return { record: cleaned, followUp, operation };
}
