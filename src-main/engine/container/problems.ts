import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreProblem } from '../../contract/system.ts';
import type { ContainerId } from '../../contract/ids.ts';
import { findBundleProcesses } from './bundle-processes.ts';
import { findExit } from './exit.ts';
import { findTraces, idsIn, leftoverWords } from './leftovers.ts';
import { isActive, isMonitorAlive, isProcessAlive, titleOf, type Room } from './room.ts';

const monitorPatienceNs = 3_000_000_000n;
const lookEveryMs = 20;

/** Everything that `recover` would repair, and what nobody repairs by itself; looks only. */
export async function findProblems(room: Room): Promise<StoreProblem[]> {
  const problems = [
    ...interruptedOperations(room),
    ...wrongRecords(room),
    ...room.images.findProblems(),
    ...traces(room),
    ...orphans(room),
    ...room.snapshots.findProblems(),
  ];
  return [...problems, ...(await strayProcesses(room))];
}

function interruptedOperations(room: Room): StoreProblem[] {
  return room.state.operations.abandoned().map(({ kind, object }) => ({
    kind: 'interrupted-operation',
    object,
    message: `${kind} of ${object.slice(0, 12)} was interrupted; the next engine repairs it`,
  }));
}

function wrongRecords(room: Room): StoreProblem[] {
  return room.state.containers.list().flatMap((record): StoreProblem[] => {
    if (!isActive(record)) return [];
    const found = findExit(room, record);
    if (found) {
      const why = found.lost === '' ? `it exited with ${found.code}` : found.lost;
      return [
        {
          kind: 'dead-container',
          object: record.id,
          message: `${titleOf(record)} is marked ${record.state}, but ${why}; start, stop or remove it`,
        },
      ];
    }
    if (isProcessAlive(room, record) && !isMonitorAlive(room, record)) {
      return [
        {
          kind: 'lost-monitor',
          object: record.id,
          message: `${titleOf(record)} runs without its monitor: its output and exit code are lost; restart it`,
        },
      ];
    }
    return [];
  });
}

/** Whoever holds a container's lock is at work: what it has made so far is no problem. */
function isIdle(room: Room, id: string): boolean {
  using lock = room.state.tryLock('container', id);
  return lock !== undefined;
}

const problemKinds = {
  mount: 'stale-mount',
  runtime: 'stale-runtime-container',
  'network-namespace': 'leaked-namespace',
  bundle: 'stale-files',
  'exit-file': 'unread-exit',
} as const;

function traces(room: Room): StoreProblem[] {
  return [...findTraces(room)].flatMap(([id, kinds]): StoreProblem[] => {
    const record = room.state.containers.find(id);
    if ((record && isActive(record)) || !isIdle(room, id)) return [];
    const title = record ? `${titleOf(record)}, which does not run` : `container ${id.slice(0, 12)}, which is not in the store`;
    return kinds.map((kind) => ({ kind: problemKinds[kind], object: id, message: `${leftoverWords[kind]} of ${title}` }));
  });
}

/** Snapshots and folders that belong to no container. */
function orphans(room: Room): StoreProblem[] {
  const unknown = (id: string): boolean =>
    !room.state.containers.find(id as ContainerId) && room.state.trash.findObject('container', id).length === 0 && isIdle(room, id);
  const snapshots = room.snapshots.list().filter(({ key }) => /^[0-9a-f]{64}$/.test(key) && unknown(key));
  const folders = idsIn(dirname(room.paths.directory('0'))).filter(unknown);
  return [
    ...snapshots.map(({ key }) => ({
      kind: 'orphan-snapshot',
      object: key,
      message: `the writable layer of container ${key.slice(0, 12)}, which is not in the store`,
    })),
    ...folders.map((id) => ({
      kind: 'orphan-folder',
      object: id,
      message: `the log of container ${id.slice(0, 12)}, which is not in the store`,
    })),
  ];
}

/** A monitor ends some moments after its container, when its clean-up program has: only one that stays is a leak. */
async function strayProcesses(room: Room): Promise<StoreProblem[]> {
  const { clock, processes } = room.system;
  const giveUpAt = clock.monotonicNs() + monitorPatienceNs;
  let strays = strayMonitors(room);
  while (strays.length > 0 && clock.monotonicNs() < giveUpAt) {
    await sleep(lookEveryMs);
    strays = strays.filter(({ pid, startTime }) => processes.startTime(pid) === startTime);
  }
  return strays.map(({ pid, containerId }) => ({
    kind: 'leaked-process',
    object: String(pid),
    message: `a monitor (process ${pid}) of container ${containerId.slice(0, 12)}, which does not run`,
  }));
}

function strayMonitors(room: Room) {
  return findBundleProcesses(room).flatMap(({ pid, containerId, isMonitor }) => {
    const record = room.state.containers.find(containerId as ContainerId);
    const startTime = room.system.processes.startTime(pid);
    if (!isMonitor || startTime === undefined || (record && isActive(record)) || !isIdle(room, containerId)) return [];
    return [{ pid, startTime, containerId }];
  });
}
