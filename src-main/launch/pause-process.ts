import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseIdMap } from '../system/linux/identity.ts';
import type { System } from '../system/system.ts';

/** A process that holds a sandbox; with its start time, so that another that got its number is never mistaken for it. */
export interface Holder {
  readonly pid: number;
  readonly startTime: number;
}

/** What a sandbox separates: a rootless user's ids and mounts, or only the mounts. */
export type SandboxKind = 'user' | 'mount';

type Host = Pick<System, 'files' | 'processes' | 'identity'>;

/** `PID START-TIME MOUNT-NAMESPACE`; the launcher script reads the first two. */
function recordPath(tmpDirectory: string): string {
  return join(tmpDirectory, 'pause.pid');
}

export function writeRecord(host: Host, tmpDirectory: string, holder: Holder): void {
  const namespace = namespaceOf(holder.pid, 'mnt') ?? '-';
  host.files.writeAtomically(recordPath(tmpDirectory), `${holder.pid} ${holder.startTime} ${namespace}\n`, { mode: 0o600 });
}

export function readRecord(host: Pick<Host, 'identity'>, tmpDirectory: string): (Holder & { readonly namespace: string }) | undefined {
  const text = readOwnFile(recordPath(tmpDirectory), host.identity.uid);
  const match = /^(\d+) (\d+) (\S+)\n?$/.exec(text ?? '');
  return match === null ? undefined : { pid: Number(match[1]), startTime: Number(match[2]), namespace: match[3] ?? '' };
}

/** The recorded holder, if it lives, is the very process that was recorded, and holds a sandbox of this user. */
export function findRecorded(host: Host, tmpDirectory: string, kind: SandboxKind): Holder | undefined {
  const record = readRecord(host, tmpDirectory);
  if (record === undefined || host.processes.startTime(record.pid) !== record.startTime) return undefined;
  return holdsSandbox(record.pid, kind, host.identity.uid) ? { pid: record.pid, startTime: record.startTime } : undefined;
}

/** What still lives in a sandbox whose holder is gone (an engine, a conmon): its namespaces are those that our containers and mounts are in. */
export function findSurvivor(host: Host, tmpDirectory: string, runRoot: string, kind: SandboxKind): Holder | undefined {
  return findInRecordedNamespace(host, tmpDirectory, kind) ?? findConmon(host, runRoot, kind);
}

function findInRecordedNamespace(host: Host, tmpDirectory: string, kind: SandboxKind): Holder | undefined {
  const namespace = readRecord(host, tmpDirectory)?.namespace;
  if (namespace === undefined) return undefined;
  for (const pid of namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    if (namespaceOf(pid, 'mnt') !== namespace || !holdsSandbox(pid, kind, host.identity.uid)) continue;
    const startTime = host.processes.startTime(pid);
    if (startTime !== undefined) return { pid, startTime };
  }
  return undefined;
}

/** For when the record is lost too. */
function findConmon(host: Host, runRoot: string, kind: SandboxKind): Holder | undefined {
  const containers = join(runRoot, 'containers');
  for (const id of namesIn(containers)) {
    const pid = Number(readOwnFile(join(containers, id, 'conmon.pid'), host.identity.uid)?.trim());
    if (!Number.isSafeInteger(pid) || pid <= 1) continue;
    const startTime = host.processes.startTime(pid);
    if (startTime !== undefined && isConmonOf(pid, id) && holdsSandbox(pid, kind, host.identity.uid)) return { pid, startTime };
  }
  return undefined;
}

/** Whether a process of this user lives in namespaces other than ours that a sandbox of this kind would have. */
function holdsSandbox(pid: number, kind: SandboxKind, uid: number): boolean {
  try {
    if (statSync(`/proc/${pid}`).uid !== uid) return false;
    const [mounts, users] = [namespaceOf(pid, 'mnt'), namespaceOf(pid, 'user')];
    if (mounts === undefined || users === undefined || mounts === namespaceOf('self', 'mnt')) return false;
    if (kind === 'mount') return users === namespaceOf('self', 'user');
    // 0 inside has to be this user, and there have to be ids for a container's other users.
    const [first, ...others] = parseIdMap(readFileSync(`/proc/${pid}/uid_map`, 'utf8'));
    return users !== namespaceOf('self', 'user') && first?.containerId === 0 && first.hostId === uid && others.length > 0;
  } catch {
    // Gone meanwhile, or not ours to look at.
    return false;
  }
}

/** As `mnt:[4026532193]`; undefined when the process is gone, or not ours to look at. */
export function namespaceOf(pid: number | 'self', kind: 'mnt' | 'user'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

function isConmonOf(pid: number, containerId: string): boolean {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return basename(program) === 'conmon' && args.some((word) => word === containerId || word === `--cid=${containerId}`);
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Text of a regular file that nobody but its owner, who has to be us, can have written. */
function readOwnFile(path: string, uid: number): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      return stat.isFile() && stat.uid === uid ? readFileSync(fd, 'utf8') : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
