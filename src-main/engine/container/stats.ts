import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { EngineError } from '../../base/errors.ts';
import type { ContainerStats } from '../../contract/container.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { CgroupUsage } from '../../system/system.ts';
import type { ContainerRecord } from '../state/state.ts';
import { findExit } from './exit.ts';
import { isActive, type Room } from './room.ts';

interface Sample {
  readonly cpuTotalNs: number;
  readonly atNs: bigint;
}

const shortestIntervalMs = 100;

/**
 * Measures when the reader asks for the next item, and not more often than the interval: unread, nothing is measured and no timer runs. The first
 * item's CPU is the mean since the container's start, the later ones' since the item before.
 */
export async function* watchStats(
  room: Room,
  nameOrIds: readonly string[] | undefined,
  intervalMs: number,
  once: boolean,
  signal: AbortSignal,
): AsyncGenerator<ContainerStats[]> {
  const ids = nameOrIds?.map((nameOrId) => room.state.containers.resolve(nameOrId).id);
  const samples = new Map<ContainerId, Sample>();
  for (;;) {
    yield measureAll(room, ids, samples);
    if (once || !(await pause(Math.max(intervalMs, shortestIntervalMs), signal))) return;
  }
}

function measureAll(room: Room, ids: readonly ContainerId[] | undefined, samples: Map<ContainerId, Sample>): ContainerStats[] {
  const records = ids ? ids.flatMap((id) => room.state.containers.find(id) ?? []) : room.state.containers.list();
  const measured = records.filter(isActive).flatMap((record) => measure(room, record, samples) ?? []);
  const seen = new Set(measured.map(({ id }) => id));
  for (const id of samples.keys()) if (!seen.has(id)) samples.delete(id);
  if (ids?.length === 1 && measured.length === 0 && records[0] && findExit(room, records[0]) === undefined && !isActive(records[0])) {
    throw new EngineError('wrong-state', `container ${records[0].name} is not running: container is stopped`, {
      details: { state: records[0].state },
    });
  }
  return measured;
}

function measure(room: Room, record: ContainerRecord, samples: Map<ContainerId, Sample>): ContainerStats | undefined {
  const usage = room.system.cgroups.usageOf(record.pid);
  if (!usage || room.system.processes.startTime(record.pid) !== record.pidStartTime) return undefined;
  const atNs = room.system.clock.monotonicNs();
  const before = samples.get(record.id);
  samples.set(record.id, { cpuTotalNs: usage.cpuTotalNs, atNs });
  const elapsedNs = before ? Number(atNs - before.atNs) : (room.system.clock.nowMs() - (record.startedAt ?? 0)) * 1e6;
  const usedNs = usage.cpuTotalNs - (before?.cpuTotalNs ?? 0);
  const traffic = record.config.networkMode === 'host' ? { receivedBytes: 0, sentBytes: 0 } : networkTraffic(record.pid);
  return {
    id: record.id,
    name: record.name,
    cpuPercent: elapsedNs > 0 ? Math.max(0, (usedNs / elapsedNs) * 100) : 0,
    cpuTotalNs: usage.cpuTotalNs,
    memoryBytes: usage.memoryBytes,
    memoryLimitBytes: memoryLimit(usage),
    pids: usage.pids,
    networkReceivedBytes: traffic.receivedBytes,
    networkSentBytes: traffic.sentBytes,
    blockReadBytes: usage.blockReadBytes,
    blockWrittenBytes: usage.blockWrittenBytes,
  };
}

function memoryLimit({ memoryLimitBytes }: CgroupUsage): number {
  return Math.min(memoryLimitBytes, totalmem());
}

/** Sums all interfaces but the loopback; /proc/PID/net/dev, see proc_pid_net(5). */
function networkTraffic(pid: number): { readonly receivedBytes: number; readonly sentBytes: number } {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'latin1');
  } catch {
    return { receivedBytes: 0, sentBytes: 0 };
  }
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of text.split('\n')) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (!match || match[1] === 'lo') continue;
    const columns = (match[2] ?? '').split(/\s+/).map(Number);
    receivedBytes += columns[0] ?? 0;
    sentBytes += columns[8] ?? 0;
  }
  return { receivedBytes, sentBytes };
}

/** Answers false when the signal fired. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), ms);
  const onAbort = (): void => resolve(false);
  signal.addEventListener('abort', onAbort);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
}
