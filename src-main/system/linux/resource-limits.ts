import { lastError, libc } from './libc.ts';

export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

/** Names as in /proc/PID/limits, and the numbers of setrlimit(2): the same on x86-64 and arm64. */
const resources: Readonly<Record<string, { readonly title: string; readonly number: number }>> = {
  cpu: { title: 'Max cpu time', number: 0 },
  fsize: { title: 'Max file size', number: 1 },
  data: { title: 'Max data size', number: 2 },
  stack: { title: 'Max stack size', number: 3 },
  core: { title: 'Max core file size', number: 4 },
  rss: { title: 'Max resident set', number: 5 },
  nproc: { title: 'Max processes', number: 6 },
  nofile: { title: 'Max open files', number: 7 },
  memlock: { title: 'Max locked memory', number: 8 },
  as: { title: 'Max address space', number: 9 },
  locks: { title: 'Max file locks', number: 10 },
  sigpending: { title: 'Max pending signals', number: 11 },
  msgqueue: { title: 'Max msgqueue size', number: 12 },
  nice: { title: 'Max nice priority', number: 13 },
  rtprio: { title: 'Max realtime priority', number: 14 },
  rttime: { title: 'Max realtime timeout', number: 15 },
};

export function parseLimits(text: string): Map<string, ResourceLimit> {
  const limits = new Map<string, ResourceLimit>();
  for (const [name, { title }] of Object.entries(resources)) {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${title} `));
    const [soft, hard] = line?.slice(title.length).trim().split(/\s+/) ?? [];
    if (soft !== undefined && hard !== undefined) limits.set(name, { soft: toNumber(soft), hard: toNumber(hard) });
  }
  return limits;
}

function toNumber(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** Raises our own soft limit to the hard one: what we start inherits it. */
export function hardenLimit(name: string): void {
  const resource = resources[name];
  if (resource === undefined) return;
  const limit = Buffer.alloc(16);
  if (libc().prlimit64(0, resource.number, null, limit) < 0) throw lastError('getrlimit', name);
  const hard = limit.readBigUInt64LE(8);
  if (limit.readBigUInt64LE(0) === hard) return;
  limit.writeBigUInt64LE(hard, 0);
  if (libc().prlimit64(0, resource.number, limit, null) < 0) throw lastError('setrlimit', name);
}
