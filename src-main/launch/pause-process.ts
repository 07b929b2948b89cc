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

/** `PID START-TIME`; the launcher script reads it too. */
export function recordPath(tmpDirectory: string): string {
  return join(tmpDirectory, 'pause.pid');
}

export function writeRecord(host: Host, tmpDirectory: string, holder: Holder): void {
  host.files.writeAtomically(recordPath(tmpDirectory), `${holder.pid} ${holder.startTime}\n`, { mode: 0o600 });
}

/** The recorded holder, if it lives, is the very process that was recorded, and holds a sandbox of this user. */
export function findRecorded(host: Host, tmpDirectory: string, kind: SandboxKind): Holder | undefined {
  const text = readOwnFile(recordPath(tmpDirectory), host.identity.uid);
  const match = /^(\d+) (\d+)\n?$/.exec(text ?? '');
  if (match === null) return undefined;
  const holder = { pid: Number(match[1]), startTime: Number(match[2]) };
  return host.processes.startTime(holder.pid) === holder.startTime && holdsSandbox(holder.pid, kind, host.identity.uid)
    ? holder
    : undefined;
}

/** A conmon of ours that still lives in a sandbox whose holder is gone: its namespaces are those that our containers and mounts are in. */
export function findSurvivor(host: Host, runRoot: string, kind: SandboxKind): Holder | undefined {
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
    const differs = (name: string) => readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`);
    if (!differs('mnt')) return false;
    if (kind === 'mount') return !differs('user');
    // 0 inside has to be this user, and there have to be ids for a container's other users.
    const [first, ...others] = parseIdMap(readFileSync(`/proc/${pid}/uid_map`, 'utf8'));
    return differs('user') && first?.containerId === 0 && first.hostId === uid && others.length > 0;
  } catch {
    // Gone meanwhile, or not ours to look at.
    return false;
  }
}

function isConmonOf(pid: number, containerId: string): boolean {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return basename(program) === 'conmon' && args.includes(containerId);
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
