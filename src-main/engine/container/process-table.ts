import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What top needs of one process; proc(5). */
export interface ProcessEntry {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  readonly state: string;
  readonly processGroup: number;
  readonly terminal: number;
  readonly cpuTicks: number;
  readonly startTicks: number;
  readonly nice: number;
  readonly virtualBytes: number;
  readonly residentBytes: number;
  readonly args: readonly string[];
  /** Lines of /proc/PID/status. */
  readonly status: ReadonlyMap<string, string>;
}

const pageBytes = 4096;

/** Processes of the container whose first process this is: those in its pid namespace, and their descendants (namespaces inside it). */
export function processesOf(firstPid: number, sharesHostNamespace: boolean): ProcessEntry[] {
  const entries = new Map<number, ProcessEntry>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readProcess(Number(name));
    if (entry) entries.set(entry.pid, entry);
  }
  const inside = new Set<number>([firstPid]);
  if (!sharesHostNamespace) {
    const namespace = namespaceOf(firstPid);
    for (const { pid } of entries.values()) if (namespace !== undefined && namespaceOf(pid) === namespace) inside.add(pid);
  }
  for (const { pid } of entries.values()) {
    for (let at = entries.get(pid); at; at = entries.get(at.ppid)) {
      if (!inside.has(at.pid)) continue;
      inside.add(pid);
      break;
    }
  }
  return [...entries.values()].filter(({ pid }) => inside.has(pid)).sort((a, b) => a.pid - b.pid);
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    const number = (index: number): number => Number(fields[index - 3] ?? 0);
    return {
      pid,
      comm: stat.slice(stat.indexOf('(') + 1, close),
      state: fields[0] ?? '?',
      ppid: number(4),
      processGroup: number(5),
      terminal: number(7),
      cpuTicks: number(14) + number(15),
      nice: number(19),
      startTicks: number(22),
      virtualBytes: number(23),
      residentBytes: number(24) * pageBytes,
      args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
      status: parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8')),
    };
  } catch {
    // Ended meanwhile.
    return undefined;
  }
}

function parseStatus(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(':');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
    }),
  );
}

/** The number that the process has in its innermost pid namespace. */
export function innerPid(entry: ProcessEntry): number {
  return Number(entry.status.get('NSpid')?.split(/\s+/).at(-1) ?? entry.pid);
}
