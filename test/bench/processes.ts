/** What /proc says about cost. */
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The process and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? statFields(Number(name))?.[1] : undefined;
    if (parent !== undefined) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)]);
  }
  const result: number[] = [];
  for (let next: number[] = [root]; next.length > 0; next = next.flatMap((pid) => children.get(pid) ?? [])) result.push(...next);
  return result;
}

/** proc_pid_stat(5) from the third field on; the name before it may hold anything. */
function statFields(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** User and system time of the process so far. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';
}

function kilobytes(text: string | undefined, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1] ?? 0);
}

export function residentKilobytes(pid: number): number {
  return kilobytes(read(`/proc/${pid}/status`), 'VmRSS');
}

/** Proportional: shared pages count by their share. */
export function proportionalKilobytes(pid: number): number {
  return kilobytes(read(`/proc/${pid}/smaps_rollup`), 'Pss');
}

/** Pids whose command line holds all these words. */
export function findProcesses(...words: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const line = commandLine(pid);
      return line !== '' && words.every((word) => line.includes(word));
    });
}
