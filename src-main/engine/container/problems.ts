import { dirname } from 'node:path';
import type { StoreProblem } from '../../contract/system.ts';
import type { ContainerId } from '../../contract/ids.ts';
import { findBundleProcesses } from './bundle-processes.ts';
import { findExit } from './exit.ts';
import { findTraces, idsIn, leftoverWords } from './leftovers.ts';
import { isActive, isMonitorAlive, isProcessAlive, titleOf, type Room } from './room.ts';

/** Everything that `recover` would repair, and what nobody repairs by itself; looks only. */
export function findProblems(room: Room): Promise<StoreProblem[]> {
  return Promise.resolve().then(() => [
    ...interruptedOperations(room),
    ...wrongRecords(room),
    ...traces(room),
    ...orphans(room),
    ...strayProcesses(room),
  ]);
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
      return [{ kind: 'dead-container', object: record.id, message: `${titleOf(record)} is marked ${record.state}, but ${why}` }];
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
  const unknown = (id: string): boolean => !room.state.containers.find(id as ContainerId) && isIdle(room, id);
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

function strayProcesses(room: Room): StoreProblem[] {
  return findBundleProcesses(room).flatMap(({ pid, containerId, isMonitor }): StoreProblem[] => {
    const record = room.state.containers.find(containerId as ContainerId);
    if (!isMonitor || (record && isActive(record)) || !isIdle(room, containerId)) return [];
    // One that has reported the exit is about to end.
    if (!isStillMonitoring(room, containerId)) return [];
    return [
      {
        kind: 'leaked-process',
        object: String(pid),
        message: `a monitor (process ${pid}) of container ${containerId.slice(0, 12)}, which does not run`,
      },
    ];
  });
}

function isStillMonitoring(room: Room, id: string): boolean {
  return room.exitHub.read(id) === undefined && (room.state.containers.find(id as ContainerId)?.state ?? 'gone') !== 'exited';
}
