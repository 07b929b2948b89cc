import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerId } from '../../contract/ids.ts';
import type { ContainerRecord, Operation, OperationRecord } from '../state/state.ts';
import { followUp } from './after-exit.ts';
import { findBundleProcesses } from './bundle-processes.ts';
import { cleanUp, removeExitFile } from './cleanup.ts';
import { undoCreate } from './create.ts';
import { findExit, finishExit, settleExit } from './exit.ts';
import { waitForMonitor } from './monitor-end.ts';
import { bundleFiles, readPid } from './paths.ts';
import { finishRemove, type Removal } from './remove.ts';
import type { Restarts } from './restarts.ts';
import { appendEvent, isActive, isProcessAlive, titleOf, type Room } from './room.ts';

/** How long a runtime that is creating a container may take before it is killed, and in which steps we look. */
const settleNs = 5_000_000_000n;
const lookEveryMs = 10;

/**
 * Finishes or undoes one operation whose engine is dead. The caller holds the container's lock. Each kind can be repaired any
 * number of times: a crash of the repair is repaired by the next one. Answers what was done, in words.
 */
export async function repairOperation(
  room: Room,
  restarts: Restarts,
  record: OperationRecord,
  id: ContainerId,
): Promise<string | undefined> {
  const operation = toOperation(room, record);
  const container = room.state.containers.find(id);
  const { volumes: names, trashId } = record.details;
  const removal: Removal = {
    volumes: Array.isArray(names) ? names.map(String) : [],
    trashId: typeof trashId === 'string' ? trashId : undefined,
  };
  const kind = record.kind;
  if (kind === 'container.cleanup' && container?.state === 'exited') {
    await followUp(room, restarts, await finishExit(room, container, operation));
    if (!room.state.containers.find(id) || container.config.spec.restartPolicy.name === 'no') operation[Symbol.dispose]();
    return `finished cleaning up after the exit of ${titleOf(container)}`;
  }
  const message = await repairKind(room, restarts, kind, id, container, removal, operation);
  operation[Symbol.dispose]();
  return message;
}

async function repairKind(
  room: Room,
  restarts: Restarts,
  kind: OperationRecord['kind'],
  id: ContainerId,
  container: ContainerRecord | undefined,
  removal: Removal,
  operation: Operation,
): Promise<string | undefined> {
  switch (kind) {
    case 'container.create':
      if (container) return undefined;
      await undoCreate(room, id, removal.volumes);
      return `undid the creation of container ${id.slice(0, 12)}, which was interrupted`;
    case 'container.remove':
      if (container?.state !== 'removing') return undefined;
      await finishRemove(room, container, removal, operation);
      return `finished the removal of ${titleOf(container)}, which was interrupted`;
    case 'container.stop':
      if (container?.state !== 'stopping' || !isProcessAlive(room, container)) return undefined;
      room.state.containers.update(id, { state: 'running', stoppedByUser: false });
      return `${titleOf(container)} still runs: its stop was interrupted`;
    case 'container.start':
      return container && !isActive(container) ? repairStart(room, restarts, container) : undefined;
    case 'container.commit':
      if (!container || !isProcessAlive(room, container)) return undefined;
      await room.runtime.resume(id);
      return `${titleOf(container)} goes on: it was paused for a commit that was interrupted`;
    default:
      return undefined;
  }
}

/**
 * A start that was cut off. Did its process begin to run, it is the user's container and is kept (or, if it has ended since, its exit is
 * handled); did it not, all is undone.
 */
async function repairStart(room: Room, restarts: Restarts, record: ContainerRecord): Promise<string> {
  await waitForCreate(room, record.id);
  const bundle = room.paths.bundle(record.id);
  const pid = readPid(join(bundle, bundleFiles.pidFile));
  const known = pid === undefined ? undefined : (await room.runtime.list()).find(({ id }) => id === record.id);
  if (known && pid !== undefined && known.status !== 'created' && known.status !== 'creating') {
    const adopted = adopt(room, record, pid, readPid(join(bundle, bundleFiles.conmonPidFile)) ?? 0);
    const found = findExit(room, adopted);
    if (!found) return `${titleOf(record)} runs: its start was interrupted after it had begun`;
    await followUp(room, restarts, await settleExit(room, adopted, found));
    return `${titleOf(record)} ran and ended while nobody watched: its start was interrupted after it had begun`;
  }
  const conmonPid = readPid(join(bundle, bundleFiles.conmonPidFile));
  await cleanUp(room, record);
  if (conmonPid !== undefined) await waitForMonitor(room, record.id, conmonPid);
  removeExitFile(room, record.id);
  room.state.containers.update(record.id, { networkState: undefined, network: undefined, error: 'its start was interrupted' });
  return `undid the start of ${titleOf(record)}, which was interrupted`;
}

function adopt(room: Room, record: ContainerRecord, pid: number, conmonPid: number): ContainerRecord {
  const { processes, clock, identity } = room.system;
  return room.state.transaction(() => {
    const after = room.state.containers.update(record.id, {
      state: 'running',
      pid,
      pidStartTime: processes.startTime(pid) ?? 0,
      conmonPid,
      conmonStartTime: processes.startTime(conmonPid) ?? 0,
      startedAt: Math.round(clock.nowMs()),
      finishedAt: undefined,
      exitCode: undefined,
      oomKilled: false,
      error: '',
      stoppedByUser: false,
      bootId: identity.bootId,
    });
    appendEvent(room, after, 'start');
    return after;
  });
}

/**
 * conmon and runtime may still be at it, though their engine is gone: half a container can neither be kept nor deleted. The
 * first process of a created container bears the runtime's own command line until it is started, so it does not count.
 */
async function waitForCreate(room: Room, id: ContainerId): Promise<void> {
  const { clock, processes } = room.system;
  const giveUpAt = clock.monotonicNs() + settleNs;
  for (;;) {
    const found = processesFor(room, id);
    const first = readPid(join(room.paths.bundle(id), bundleFiles.pidFile));
    const atWork = found.some(({ pid, isMonitor }) => !isMonitor && pid !== first);
    if (found.length === 0 || (first !== undefined && !atWork)) return;
    if (clock.monotonicNs() > giveUpAt) {
      for (const { pid } of found) processes.signal(pid, 'SIGKILL');
      return;
    }
    await sleep(lookEveryMs);
  }
}

function processesFor(room: Room, id: ContainerId) {
  return findBundleProcesses(room).filter(({ containerId }) => containerId === id);
}

function toOperation(room: Room, { id }: OperationRecord): Operation {
  let kept = false;
  return {
    id,
    keep() {
      kept = true;
    },
    [Symbol.dispose]() {
      if (!kept) room.state.operations.remove(id);
    },
  };
}
