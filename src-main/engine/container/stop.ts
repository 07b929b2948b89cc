import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError, isCancelled } from '../../base/errors.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { ContainerRecord, Operation } from '../state/state.ts';
import { handleExit } from './after-exit.ts';
import { appendEvent, endOperation, isActive, isMonitorAlive, isProcessAlive, titleOf, type Room } from './room.ts';
import type { Restarts } from './restarts.ts';
import { parseSignal, signalName } from './signals.ts';
import { identifyRun, waitForExitWithin, type RunIdentity } from './wait-for-exit.ts';

const sigkill = 9;
/** How long a killed process may take to be gone and reported before we look for the reason. */
const killPatienceMs = 10_000;
const lookEveryMs = 20;

export interface StopResult {
  readonly id: ContainerId;
  readonly wasRunning: boolean;
  readonly killed: boolean;
}

/**
 * Stop signal, then KILL when the time is over; resolves when the exit is recorded and cleaned up. The lock is not held while it
 * waits, so others see `stopping` and may kill it. Not running: no error, but its restart policy rests.
 */
export async function stopContainer(
  room: Room,
  restarts: Restarts,
  nameOrId: string,
  timeoutSeconds: number | undefined,
  signal?: AbortSignal,
): Promise<StopResult> {
  const { id } = room.state.containers.resolve(nameOrId);
  await handleExit(room, restarts, id);
  const begun = await beginStop(room, id);
  if (!begun) return { id, wasRunning: false, killed: false };
  const { record, run, operation } = begun;
  let killed = false;
  try {
    killed = await endProcess(room, record, run, timeoutSeconds ?? stopTimeoutSeconds(room, record), signal);
  } catch (error) {
    await abandonStop(room, record, operation);
    throw isCancelled(error) ? new EngineError('cancelled', `stopping ${titleOf(record)} was cancelled`, { cause: error }) : error;
  }
  await handleExit(room, restarts, id);
  room.state.transaction(() => {
    appendEvent(room, record, 'stop');
    endOperation(operation);
  });
  return { id, wasRunning: true, killed };
}

export function stopTimeoutSeconds(room: Room, record: ContainerRecord): number {
  return record.config.spec.stopTimeoutSeconds ?? room.config.defaults.stopTimeoutSeconds;
}

export function stopSignal(record: ContainerRecord): number {
  return parseSignal(record.config.spec.stopSignal ?? (record.config.imageConfig.stopSignal || 'SIGTERM'));
}

async function beginStop(
  room: Room,
  id: ContainerId,
): Promise<{ readonly record: ContainerRecord; readonly run: RunIdentity; readonly operation: Operation } | undefined> {
  using _lock = await room.state.lock('container', id);
  const afterSequence = room.state.events.lastSequence();
  const before = room.state.containers.find(id);
  if (!before) return undefined;
  if (!isActive(before)) {
    if (before.config.spec.restartPolicy.name !== 'no' && !before.stoppedByUser) room.state.containers.update(id, { stoppedByUser: true });
    return undefined;
  }
  return room.state.transaction(() => {
    const record = room.state.containers.update(id, { state: 'stopping', stoppedByUser: true });
    return { record, run: identifyRun(room, record, afterSequence), operation: room.state.operations.begin('container.stop', id) };
  });
}

/** Whoever asked has gone away, or it could not be ended: it runs on. */
async function abandonStop(room: Room, record: ContainerRecord, operation: Operation): Promise<void> {
  using _lock = await room.state.lock('container', record.id);
  room.state.transaction(() => {
    const now = room.state.containers.find(record.id);
    if (now?.state === 'stopping' && now.pidStartTime === record.pidStartTime) {
      room.state.containers.update(record.id, { state: 'running', stoppedByUser: false });
    }
    endOperation(operation);
  });
}

/** Answers whether KILL was needed. */
async function endProcess(
  room: Room,
  record: ContainerRecord,
  run: RunIdentity,
  timeoutSeconds: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (timeoutSeconds > 0 && (await signalAndWait(room, record, run, stopSignal(record), timeoutSeconds * 1000, signal))) return false;
  if (await signalAndWait(room, record, run, sigkill, killPatienceMs, signal)) return true;
  throw new EngineError('timeout', `${titleOf(record)} did not end within ${killPatienceMs / 1000} s of SIGKILL (process ${record.pid})`, {
    fix: 'a process that waits for a device or a network file system cannot be killed before that answers',
  });
}

/** Answers whether it has ended in time. */
async function signalAndWait(
  room: Room,
  record: ContainerRecord,
  run: RunIdentity,
  number: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const stop = new AbortController();
  const ended = waitForExitWithin(room, run, timeoutMs, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  const reported = ended.then((code) => code !== undefined);
  // Nobody reports when the monitor was killed: then the process itself is watched.
  const gone = isMonitorAlive(room, record) ? undefined : waitUntilGone(room, record, stop.signal);
  try {
    await sendSignal(room, record, number);
    return await (gone ? Promise.race([reported, gone]) : reported);
  } finally {
    stop.abort();
    reported.catch(() => undefined);
  }
}

async function waitUntilGone(room: Room, record: ContainerRecord, signal: AbortSignal): Promise<boolean> {
  while (isProcessAlive(room, record)) {
    await sleep(lookEveryMs);
    // The other side of the race has decided.
    if (signal.aborted) return false;
  }
  return true;
}

/**
 * Straight to the process: a few microseconds, where the runtime's kill takes milliseconds. Without a pid namespace of its
 * own the end of the first process does not end the others, so KILL then goes to all of the container's cgroup.
 */
export async function sendSignal(room: Room, record: ContainerRecord, number: number): Promise<void> {
  if (number === sigkill && record.config.spec.pid === 'host') {
    await room.runtime.kill(record.id, number, { all: true });
  } else if (isProcessAlive(room, record)) {
    room.system.processes.signal(record.pid, number);
  }
}

export async function killContainer(room: Room, restarts: Restarts, nameOrId: string, signalText: string): Promise<ContainerRecord> {
  const number = parseSignal(signalText);
  const { id } = room.state.containers.resolve(nameOrId);
  await handleExit(room, restarts, id);
  using _lock = await room.state.lock('container', id);
  const record = room.state.containers.get(id);
  if (!isActive(record)) {
    throw new EngineError('wrong-state', `can only kill running containers. ${id} is in state ${record.state}: container state improper`, {
      details: { state: record.state },
    });
  }
  const after = room.state.transaction(() => {
    // Meant to end it: the restart policy rests, as after a stop.
    const ends = number === sigkill || number === stopSignal(record);
    appendEvent(room, record, 'kill', { attributes: { signal: signalName(number) } });
    return ends ? room.state.containers.update(id, { stoppedByUser: true }) : record;
  });
  await sendSignal(room, record, number);
  return after;
}
