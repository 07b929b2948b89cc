import { closeSync, constants, fstatSync, readFileSync, readSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { IdRange } from '../../system/system.ts';
import { findExit } from './exit.ts';
import { innerPid, processesOf, type ProcessEntry } from './process-table.ts';
import { isActive, type Room } from './room.ts';

/** USER_HZ: the unit of times in /proc on every architecture that Node runs on. */
const ticksPerSecond = 100;
const defaults = ['user', 'pid', 'ppid', 'pcpu', 'etime', 'tty', 'time', 'args'];

interface Context {
  readonly room: Room;
  readonly byPid: ReadonlyMap<number, ProcessEntry>;
  readonly uptimeSeconds: number;
  /** Id → name, of the container's and the host's /etc/passwd and /etc/group. */
  readonly names: Readonly<Record<'users' | 'groups' | 'hostUsers' | 'hostGroups', ReadonlyMap<number, string>>>;
}

interface Descriptor {
  readonly title: string;
  readonly code?: string;
  readonly value: (entry: ProcessEntry, context: Context) => string;
}

/** podman-top(1). */
const descriptors: Readonly<Record<string, Descriptor>> = {
  args: { title: 'COMMAND', code: '%a', value: (entry) => (entry.args.length > 0 ? entry.args.join(' ') : `[${entry.comm}]`) },
  comm: { title: 'COMMAND', code: '%c', value: (entry) => entry.comm },
  etime: { title: 'ELAPSED', code: '%t', value: (entry, context) => goDuration(Math.floor(ageSeconds(entry, context))) },
  group: { title: 'GROUP', code: '%G', value: (entry, { names }) => nameOf(names.groups, id(entry, 'Gid', 1)) },
  groups: {
    title: 'GROUPS',
    value: (entry, { names }) =>
      ids(entry, 'Groups')
        .map((gid) => nameOf(names.groups, gid))
        .join(','),
  },
  hgroup: { title: 'HGROUP', value: (entry, c) => nameOf(c.names.hostGroups, toHost(c.room.system.identity.gidMap, id(entry, 'Gid', 1))) },
  hgroups: {
    title: 'HGROUPS',
    value: (entry, c) =>
      ids(entry, 'Groups')
        .map((gid) => nameOf(c.names.hostGroups, toHost(c.room.system.identity.gidMap, gid)))
        .join(','),
  },
  hpid: { title: 'HPID', value: (entry) => String(entry.pid) },
  huser: { title: 'HUSER', value: (entry, c) => nameOf(c.names.hostUsers, toHost(c.room.system.identity.uidMap, id(entry, 'Uid', 1))) },
  capamb: { title: 'AMBIENT CAPS', value: (entry) => entry.status.get('CapAmb') ?? '' },
  capbnd: { title: 'BOUNDING CAPS', value: (entry) => entry.status.get('CapBnd') ?? '' },
  capeff: { title: 'EFFECTIVE CAPS', value: (entry) => entry.status.get('CapEff') ?? '' },
  capinh: { title: 'INHERITED CAPS', value: (entry) => entry.status.get('CapInh') ?? '' },
  capprm: { title: 'PERMITTED CAPS', value: (entry) => entry.status.get('CapPrm') ?? '' },
  label: { title: 'LABEL', value: (entry) => readOr(`/proc/${entry.pid}/attr/current`).replace(/[\0\n]/g, '') || '?' },
  nice: { title: 'NI', code: '%n', value: (entry) => String(entry.nice) },
  pcpu: { title: '%CPU', code: '%C', value: (entry, context) => cpuPercent(entry, context).toFixed(3) },
  pgid: { title: 'PGID', code: '%r', value: (entry, { byPid }) => innerNumber(entry.processGroup, byPid, entry.status.get('NSpgid')) },
  pid: { title: 'PID', code: '%p', value: (entry) => String(innerPid(entry)) },
  ppid: { title: 'PPID', code: '%P', value: (entry, { byPid }) => innerNumber(entry.ppid, byPid, undefined) },
  rgroup: { title: 'RGROUP', code: '%g', value: (entry, { names }) => nameOf(names.groups, id(entry, 'Gid', 0)) },
  rss: { title: 'RSS', value: (entry) => String(Math.round(entry.residentBytes / 1024)) },
  ruser: { title: 'RUSER', code: '%u', value: (entry, { names }) => nameOf(names.users, id(entry, 'Uid', 0)) },
  seccomp: { title: 'SECCOMP', value: (entry) => ['disabled', 'strict', 'filter'][Number(entry.status.get('Seccomp') ?? -1)] ?? '?' },
  state: { title: 'STATE', value: (entry) => entry.state },
  stime: {
    title: 'STIME',
    value: (entry, context) => new Date(context.room.system.clock.nowMs() - ageSeconds(entry, context) * 1000).toISOString(),
  },
  time: { title: 'TIME', code: '%x', value: (entry) => goDuration(Math.floor(entry.cpuTicks / ticksPerSecond)) },
  tty: { title: 'TTY', code: '%y', value: (entry) => terminalName(entry.terminal) },
  user: { title: 'USER', code: '%U', value: (entry, { names }) => nameOf(names.users, id(entry, 'Uid', 1)) },
  vsz: { title: 'VSZ', code: '%z', value: (entry) => String(Math.round(entry.virtualBytes / 1024)) },
};

export function topOfContainer(
  room: Room,
  nameOrId: string,
  wanted: readonly string[],
): { readonly titles: string[]; readonly processes: string[][] } {
  const record = room.state.containers.resolve(nameOrId);
  const words = wanted.flatMap((word) => word.split(',')).filter((word) => word !== '');
  const columns = (words.length > 0 ? words : defaults).map(descriptorOf);
  if (!isActive(record) || findExit(room, record)) {
    throw new EngineError('wrong-state', 'top can only be used on running containers', {
      details: { container: record.id, state: record.state },
    });
  }
  const entries = processesOf(record.pid, record.config.spec.pid === 'host');
  const rootfs = room.snapshots.mountPoint(record.id);
  const context: Context = {
    room,
    byPid: new Map(entries.map((entry) => [entry.pid, entry])),
    uptimeSeconds: Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]),
    names: {
      users: parseNames(readInRoot(room, rootfs, '/etc/passwd')),
      groups: parseNames(readInRoot(room, rootfs, '/etc/group')),
      hostUsers: parseNames(readOr('/etc/passwd')),
      hostGroups: parseNames(readOr('/etc/group')),
    },
  };
  return {
    titles: columns.map(({ title }) => title),
    processes: entries.map((entry) => columns.map(({ value }) => value(entry, context))),
  };
}

function descriptorOf(word: string): Descriptor {
  const name = word === '%cpu' ? 'pcpu' : word;
  if (Object.hasOwn(descriptors, name) && descriptors[name]) return descriptors[name];
  const byCode = Object.values(descriptors).find(({ code }) => code === word);
  if (byCode) return byCode;
  throw new EngineError('invalid-argument', `unknown descriptor "${word}"`, {
    fix: `use some of ${Object.keys(descriptors).sort().join(', ')}`,
    details: { field: 'descriptors' },
  });
}

function ageSeconds(entry: ProcessEntry, { uptimeSeconds }: Context): number {
  return Math.max(0, uptimeSeconds - entry.startTicks / ticksPerSecond);
}

function cpuPercent(entry: ProcessEntry, context: Context): number {
  const age = ageSeconds(entry, context);
  return age > 0 ? (entry.cpuTicks / ticksPerSecond / age) * 100 : 0;
}

/** Go's time.Duration in whole seconds: 1h2m3s. */
function goDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}

/** Another process's number as the container sees it; 0 when it is outside. */
function innerNumber(pid: number, byPid: ReadonlyMap<number, ProcessEntry>, inner: string | undefined): string {
  const own = inner?.split(/\s+/).at(-1);
  if (own !== undefined) return own;
  const entry = byPid.get(pid);
  return String(entry ? innerPid(entry) : 0);
}

function id(entry: ProcessEntry, key: 'Uid' | 'Gid', index: number): number {
  return Number(entry.status.get(key)?.split(/\s+/)[index] ?? 0);
}

function ids(entry: ProcessEntry, key: string): number[] {
  return (entry.status.get(key) ?? '').split(/\s+/).filter(Boolean).map(Number);
}

function nameOf(names: ReadonlyMap<number, string>, number: number): string {
  return names.get(number) ?? String(number);
}

function toHost(map: readonly IdRange[], number: number): number {
  const range = map.find(({ containerId, size }) => number >= containerId && number < containerId + size);
  return range ? range.hostId + number - range.containerId : number;
}

/** A device number of proc_pid_stat(5), tty_nr: pseudo terminals have majors 136 to 143. */
function terminalName(device: number): string {
  if (device === 0) return '?';
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  return major === 4 ? `tty${minor}` : `${major}:${minor}`;
}

/** passwd(5) and group(5): name first, number third. */
function parseNames(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , number = ''] = line.split(':');
    if (name !== '' && /^\d+$/.test(number) && !names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const largestFileBytes = 1024 * 1024;

/** The container may have put anything there. */
function readInRoot(room: Room, rootfs: string, path: string): string {
  let fd: number;
  try {
    fd = room.system.attributes.openInRoot(rootfs, path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, largestFileBytes));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return '';
  } finally {
    closeSync(fd);
  }
}
