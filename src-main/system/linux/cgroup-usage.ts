import { readFileSync } from 'node:fs';
import type { CgroupUsage } from '../system.ts';

/** v1 says "no limit" by the largest multiple of a page. */
const unlimitedV1 = 2 ** 62;

/** Undefined when the cgroup is gone, or has no accounting of CPU or memory. */
export function readUsageV2(folder: string): CgroupUsage | undefined {
  const cpu = readFile(folder, 'cpu.stat');
  const memory = readFile(folder, 'memory.current');
  if (cpu === undefined || memory === undefined) return undefined;
  const limit = readFile(folder, 'memory.max')?.trim();
  let blockReadBytes = 0;
  let blockWrittenBytes = 0;
  for (const line of (readFile(folder, 'io.stat') ?? '').split('\n')) {
    blockReadBytes += Number(/\brbytes=(\d+)/.exec(line)?.[1] ?? 0);
    blockWrittenBytes += Number(/\bwbytes=(\d+)/.exec(line)?.[1] ?? 0);
  }
  return {
    cpuTotalNs: keyed(cpu, 'usage_usec') * 1000,
    memoryBytes: Number(memory),
    memoryLimitBytes: limit === undefined || limit === 'max' ? Number.POSITIVE_INFINITY : Number(limit),
    pids: countPids(folder),
    blockReadBytes,
    blockWrittenBytes,
    oomKills: keyed(readFile(folder, 'memory.events') ?? '', 'oom_kill'),
  };
}

export function readUsageV1(folderOf: (controller: string) => string | undefined): CgroupUsage | undefined {
  const memoryFolder = folderOf('memory');
  const cpu = readFile(folderOf('cpuacct'), 'cpuacct.usage');
  const memory = readFile(memoryFolder, 'memory.usage_in_bytes');
  if (cpu === undefined || memory === undefined) return undefined;
  const limit = Number(readFile(memoryFolder, 'memory.limit_in_bytes') ?? Number.POSITIVE_INFINITY);
  const block =
    readFile(folderOf('blkio'), 'blkio.throttle.io_service_bytes_recursive') ??
    readFile(folderOf('blkio'), 'blkio.throttle.io_service_bytes') ??
    '';
  return {
    cpuTotalNs: Number(cpu),
    memoryBytes: Number(memory),
    memoryLimitBytes: limit >= unlimitedV1 ? Number.POSITIVE_INFINITY : limit,
    pids: countPids(folderOf('pids') ?? memoryFolder ?? ''),
    blockReadBytes: sumOf(block, 'Read'),
    blockWrittenBytes: sumOf(block, 'Write'),
    oomKills: keyed(readFile(memoryFolder, 'memory.oom_control') ?? '', 'oom_kill'),
  };
}

function countPids(folder: string): number {
  const current = readFile(folder, 'pids.current');
  if (current !== undefined) return Number(current);
  return (readFile(folder, 'cgroup.procs') ?? '').split('\n').filter(Boolean).length;
}

function keyed(text: string, key: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}

/** Lines "8:0 Read 4096". */
function sumOf(text: string, kind: string): number {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[1] === kind)
    .reduce((sum, fields) => sum + Number(fields[2] ?? 0), 0);
}

function readFile(folder: string | undefined, name: string): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(`${folder}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
