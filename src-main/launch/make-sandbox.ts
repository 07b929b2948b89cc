import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { EngineError } from '../base/errors.ts';
import { grantSubordinateIds, mapArguments, readSubordinateRanges, type SubordinateRange } from '../engine/host/subordinate-ids.ts';
import { userNamespaceError } from '../engine/host/user-namespaces.ts';
import type { SpawnedProcess, System } from '../system/system.ts';
import type { Holder, SandboxKind } from './pause-process.ts';

type Host = Pick<System, 'files' | 'processes' | 'identity' | 'cgroups'>;

/**
 * crun refuses a host that has v1 and v2 controllers side by side; without the v2 part it uses v1. A user may not unmount what
 * root has mounted, but may cover it.
 */
const hideUnified = {
  user: 'mount -t tmpfs -o ro,mode=555,size=4k selkie /sys/fs/cgroup/unified',
  mount: 'umount /sys/fs/cgroup/unified',
} as const;

/**
 * Makes a sandbox, held by a pause process in a session of its own. Its mounts are slaves of the host's, so that a disk that is
 * plugged in later is seen, and shared among themselves, so that containers that are given a mount with propagation get it.
 */
export async function makeSandbox(host: Host, kind: SandboxKind): Promise<Holder> {
  const hide = host.cgroups.version === 'hybrid' ? `${hideUnified[kind]} && ` : '';
  const finish = `mount --make-rshared / && ${hide}${announceAndPause(host)}`;
  if (kind === 'mount') {
    return await settle(host, kind, startHolder(host, ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', finish]));
  }
  const tools = { uid: requireTool(host, 'newuidmap'), gid: requireTool(host, 'newgidmap') };
  const ids = requireRanges(host);
  // The first shell has no id yet, hence no rights; the one it becomes after the mapping is root in there.
  const script = `echo unshared; read -r go || exit 1; exec sh -c "$1"`;
  const child = startHolder(host, ['unshare', '--user', '--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh', finish]);
  return await settle(host, kind, child, async (nextLine) => {
    if ((await nextLine()) !== 'unshared') return;
    await Promise.all([
      mapIds(host, tools.uid, child.process.pid, mapArguments(host.identity.uid, ids.uids)),
      mapIds(host, tools.gid, child.process.pid, mapArguments(host.identity.gid, ids.gids)),
    ]);
    child.process.pipes[0]?.write('go\n');
  });
}

/** A new pause process in the namespaces of a process that survived the old one. */
export async function holdAgain(host: Host, survivor: Holder, kind: SandboxKind): Promise<Holder> {
  return await settle(host, kind, startHolder(host, [...joinWords(survivor.pid, kind), 'sh', '-c', announceAndPause(host)]));
}

/** nsenter(1) into a sandbox, ready for the program. The working directory becomes /. */
export function joinWords(pid: number, kind: SandboxKind): string[] {
  return kind === 'user'
    ? ['nsenter', '-t', String(pid), '-U', '-m', '--preserve-credentials', '--']
    : ['nsenter', '-t', String(pid), '-m', '--'];
}

interface StartingHolder {
  readonly process: SpawnedProcess;
  readonly complaints: () => string;
}

function announceAndPause(host: Host): string {
  const catatonit = host.processes.find('catatonit');
  const pause = catatonit === undefined ? 'sleep infinity' : `'${catatonit}' -P`;
  return `echo ready && exec ${pause} </dev/null >/dev/null 2>&1`;
}

function startHolder(host: Host, [program = '', ...args]: readonly string[]): StartingHolder {
  const child = host.processes.spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], workingDirectory: '/', detached: true });
  let complaints = '';
  child.pipes[2]?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  // It ends early: its status and words tell.
  child.pipes[0]?.on('error', () => undefined);
  return { process: child, complaints: () => complaints.trim() };
}

/** Waits until the holder holds; ends it, and says why, if it does not come to that. */
async function settle(
  host: Host,
  kind: SandboxKind,
  child: StartingHolder,
  between: (nextLine: () => Promise<string | undefined>) => Promise<void> = () => Promise.resolve(),
): Promise<Holder> {
  const { process: holder } = child;
  const output = holder.pipes[1];
  if (!output) throw new EngineError('internal', 'the pause process has no output');
  try {
    const nextLine = lineReader(output);
    await between(nextLine);
    if ((await nextLine()) !== 'ready') {
      await once(output, 'close').catch(() => undefined);
      throw sandboxError(host, kind, child.complaints() || 'the pause process ended at once');
    }
    const startTime = host.processes.startTime(holder.pid);
    if (startTime === undefined) throw sandboxError(host, kind, 'the pause process ended at once');
    return { pid: holder.pid, startTime };
  } catch (error) {
    host.processes.signal(holder.pid, 'SIGKILL');
    throw error;
  } finally {
    for (const pipe of Object.values(holder.pipes)) pipe.destroy();
  }
}

function sandboxError(host: Host, kind: SandboxKind, reason: string): EngineError {
  if (kind === 'user') return userNamespaceError(host.files, reason);
  return new EngineError('denied', `the mount namespace that hides a part of this host's hybrid cgroups could not be made: ${reason}`, {
    fix: 'boot with systemd.unified_cgroup_hierarchy=1, or run selkie outside of the chroot or container that it is in',
  });
}

/** Undefined at the end. */
function lineReader(stream: Readable): () => Promise<string | undefined> {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return async () => {
    const next = await lines.next();
    return next.done === true ? undefined : next.value;
  };
}

async function mapIds(host: Host, tool: string, pid: number, words: readonly string[]): Promise<void> {
  const result = await host.processes.run(tool, [String(pid), ...words]);
  if (result.code === 0) return;
  const reason = result.stderr.trim() || `status ${result.code}`;
  throw new EngineError('denied', `the subordinate ids could not be mapped: ${reason}`, {
    fix: `run: sudo chmod u+s ${tool} (or reinstall the package uidmap), and check /etc/subuid and /etc/subgid`,
  });
}

function requireTool(host: Host, program: string): string {
  const path = host.processes.find(program);
  if (path !== undefined) return path;
  throw new EngineError('missing-tool', `containers cannot run without root: ${program} is not installed`, {
    fix: 'run: sudo apt-get install uidmap (on other distributions: shadow-utils)',
    details: { program },
  });
}

function requireRanges(host: Host): { readonly uids: SubordinateRange[]; readonly gids: SubordinateRange[] } {
  const { userName, uid } = host.identity;
  const uids = readSubordinateRanges('subuid', userName, uid);
  const gids = readSubordinateRanges('subgid', userName, uid);
  if (uids.length > 0 && gids.length > 0) return { uids, gids };
  const lacking = [...(uids.length === 0 ? ['/etc/subuid'] : []), ...(gids.length === 0 ? ['/etc/subgid'] : [])];
  throw new EngineError(
    'denied',
    `containers cannot run without root: ${userName} has no range of ids in ${lacking.join(' and ')}, and with a single id most images cannot be unpacked`,
    { fix: `run: ${grantSubordinateIds(userName, uids.length === 0, gids.length === 0)}`, details: { lacking } },
  );
}
