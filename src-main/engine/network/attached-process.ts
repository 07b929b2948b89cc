/**
 * A helper process that belongs to one container's network namespace (pasta, slirp4netns). It is known by its pid and by having the
 * namespace's path, which carries the container's id, among its arguments: so a reused pid is never killed, and one whose pid was lost
 * in a crash is found again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { System } from '../../system/system.ts';

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function isAttached(pid: number, netnsPath: string): boolean {
  return argumentsOf(pid).slice(1).includes(netnsPath);
}

/** Pids of the processes that were started with this path as an argument. Reads /proc once: only for when the pid is not known. */
export function findAttached(netnsPath: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAttached(pid, netnsPath));
}

/** Ends it and waits until it is gone, so that its ports are free afterwards. Idempotent. */
export async function endAttached(system: System, netnsPath: string, pid: number | undefined): Promise<void> {
  const pids = pid === undefined ? findAttached(netnsPath) : isAttached(pid, netnsPath) ? [pid] : [];
  await Promise.all(pids.map((one) => end(system, one)));
}

async function end(system: System, pid: number): Promise<void> {
  const startTime = system.processes.startTime(pid);
  if (startTime === undefined) return;
  const gone = (): boolean => system.processes.startTime(pid) !== startTime;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    system.processes.signal(pid, signal);
    const deadline = system.clock.nowMs() + 2000;
    for (let waitMs = 1; !gone() && system.clock.nowMs() < deadline; waitMs = Math.min(waitMs * 2, 20)) await pause(waitMs);
    if (gone()) return;
  }
}
