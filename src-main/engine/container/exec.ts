import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { ExecSpec, TerminalDown, TerminalUp } from '../../contract/container.ts';
import type { ExecSession } from '../monitor/monitor.ts';
import { buildExecProcess } from '../runtime/runtime.ts';
import type { ContainerRecord } from '../state/state.ts';
import { defaultDetachKeys } from './detach-keys.ts';
import { removeExitFile } from './cleanup.ts';
import { findExit } from './exit.ts';
import { appendEvent, type Room } from './room.ts';
import { terminalSession } from './terminal-session.ts';

interface StartedExec {
  readonly record: ContainerRecord;
  readonly execId: string;
  readonly directory: string;
  readonly session: ExecSession;
}

/**
 * A process in a running container, attached; ends with its exit code. A caller that goes away takes it along (HUP to a terminal's, TERM
 * else), one that detaches leaves it running.
 */
export async function* execInContainer(
  room: Room,
  spec: ExecSpec,
  up: AsyncIterable<TerminalUp>,
  signal: AbortSignal,
): AsyncGenerator<TerminalDown> {
  const exec = await startExec(room, spec, false);
  const { session } = exec;
  let left = true;
  try {
    if (!session.socket) throw new EngineError('runtime-failed', `exec in container ${exec.record.name} could not be attached`);
    const items = terminalSession({
      socket: session.socket,
      up,
      stdin: spec.interactive,
      output: true,
      detachKeys: spec.detachKeys ?? exec.record.config.spec.detachKeys ?? defaultDetachKeys,
      resize: (rows, columns) => session.resize(rows, columns),
      kill: (signalName) => session.kill(signalName),
      signal,
      exitCode: () => session.exited,
    });
    for await (const item of items) {
      if (item.kind === 'exit') {
        left = false;
        endExec(room, exec, item.code);
      } else if (item.kind === 'detached') left = false;
      yield item;
    }
  } finally {
    if (left) {
      session.kill(spec.tty ? 'SIGHUP' : 'SIGTERM');
      rmSync(exec.directory, { recursive: true, force: true });
    }
  }
}

/** Starts it and leaves it to its own conmon, which reports its end as that of a container is reported. */
export async function execDetached(room: Room, spec: ExecSpec): Promise<string> {
  return (await startExec(room, spec, true)).execId;
}

async function startExec(room: Room, spec: ExecSpec, detached: boolean): Promise<StartedExec> {
  const record = requireRunning(room, room.state.containers.resolve(spec.container));
  const execId = randomBytes(32).toString('hex');
  const bundle = room.paths.bundle(record.id);
  const directory = join(bundle, 'execs', execId);
  const processSpecPath = join(directory, 'process.json');
  try {
    const process = buildExecProcess({
      config: room.config,
      system: room.system,
      container: record.config,
      rootfs: room.snapshots.mountPoint(record.id),
      command: spec.command,
      tty: spec.tty,
      environment: spec.environment,
      user: spec.user,
      workingDirectory: spec.workingDirectory,
      privileged: spec.privileged,
      size: spec.size,
    });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(processSpecPath, JSON.stringify(process), { mode: 0o600 });
    const session = await room.monitor.exec({
      ...{ containerId: record.id, execId, bundle, directory, processSpecPath, detached },
      tty: spec.tty,
      interactive: spec.interactive,
      exitCommand: detached ? reportCommand(room, record.id, execId, directory) : [],
      size: spec.size,
    });
    room.state.transaction(() => appendEvent(room, record, 'exec', { attributes: { execID: execId } }));
    return { record, execId, directory, session };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function endExec(room: Room, exec: Pick<StartedExec, 'record' | 'execId' | 'directory'>, exitCode: number): void {
  rmSync(exec.directory, { recursive: true, force: true });
  room.state.transaction(() => appendEvent(room, exec.record, 'exec_died', { exitCode, attributes: { execID: exec.execId } }));
}

/**
 * conmon names the exit file of an exec by its container, in the exec's folder. Its exit command moves that to where exits are
 * watched, as CONTAINER.EXEC, and then does what is done at the end of a container.
 */
function reportCommand(room: Room, id: ContainerId, execId: string, directory: string): string[] {
  const report = 'mv -- "$1" "$2"; shift 2; exec "$@"';
  return ['/bin/sh', '-c', report, 'sh', join(directory, id), room.paths.exitFile(`${id}.${execId}`), ...room.exitCommand];
}

/** The end of a detached exec, by the name of its exit file. Answers whether there was one to handle. */
export async function handleExecExit(room: Room, name: string): Promise<boolean> {
  const [id = '', execId = ''] = name.split('.');
  using _lock = await room.state.lock('container', id);
  const report = room.exitHub.read(name);
  if (!report) return false;
  const record = room.state.containers.find(id as ContainerId);
  if (record) endExec(room, { record, execId, directory: join(room.paths.bundle(id), 'execs', execId) }, report.code);
  removeExitFile(room, name);
  return true;
}

function requireRunning(room: Room, record: ContainerRecord): ContainerRecord {
  if ((record.state === 'running' || record.state === 'stopping') && findExit(room, record) === undefined) return record;
  throw new EngineError('wrong-state', 'can only create exec sessions on running containers: container state improper', {
    fix: `start it: \`selkie start ${record.name}\``,
    details: { container: record.id, state: record.state },
  });
}

/** Execs whose first process is alive. */
export function runningExecs(room: Room, id: string): string[] {
  const folder = join(room.paths.bundle(id), 'execs');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.filter((name) => {
    try {
      return room.system.processes.startTime(Number(readFileSync(join(folder, name, 'pid'), 'latin1'))) !== undefined;
    } catch {
      return false;
    }
  });
}
