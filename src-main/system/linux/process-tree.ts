import { readFileSync, readdirSync } from 'node:fs';
import type { CgroupUsage } from '../system.ts';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Adds up a process and its descendants. Undefined when the process is gone. */
export function usageOfTree(pid: number): CgroupUsage | undefined {
  const children = childrenByParent();
  let ticks = 0;
  let memoryBytes = 0;
  let pids = 0;
  const pending = [pid];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const fields = statFields(next);
    if (fields === undefined) continue;
    pids++;
    // utime, stime, and those of children that were waited for.
    ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
    memoryBytes += residentBytes(next);
    pending.push(...(children.get(next) ?? []));
  }
  if (pids === 0) return undefined;
  return {
    cpuTotalNs: (ticks / ticksPerSecond) * 1e9,
    memoryBytes,
    memoryLimitBytes: Number.POSITIVE_INFINITY,
    pids,
    blockReadBytes: 0,
    blockWrittenBytes: 0,
    oomKills: 0,
  };
}

/** VmRSS rather than the pages of stat: pages are 4, 16 or 64 KiB on arm64. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))?.[1]);
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  return children;
}

/** Fields of proc_pid_stat(5) from the third (state) on. */
function statFields(pid: number): string[] | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}
