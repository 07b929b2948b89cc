import { EngineError } from '../../base/errors.ts';
import type { TerminalDown, TerminalUp } from '../../contract/container.ts';
import type { PacketSocket } from '../../system/system.ts';
import { handleExit } from './after-exit.ts';
import type { AttachOptions } from './container.ts';
import { defaultDetachKeys } from './detach-keys.ts';
import { findExit } from './exit.ts';
import { appendEvent, isActive, isMonitorAlive, titleOf, type Room } from './room.ts';
import type { Restarts } from './restarts.ts';
import { startContainer } from './start.ts';
import { terminalSession } from './terminal-session.ts';
import { identifyRun, waitForExit, waitForExitWithin, type RunIdentity } from './wait-for-exit.ts';

/** How long after the end of its output a container may take to be reported as ended, when its monitor is gone too. */
const reportPatienceMs = 2000;

interface Joined {
  readonly socket: PacketSocket;
  readonly run: RunIdentity;
}

export async function* attachContainer(
  room: Room,
  restarts: Restarts,
  nameOrId: string,
  options: AttachOptions,
  up: AsyncIterable<TerminalUp>,
  signal: AbortSignal,
): AsyncGenerator<TerminalDown> {
  const { spec } = room.state.containers.resolve(nameOrId).config;
  const { socket, run } = options.start ? await startAndJoin(room, nameOrId, options) : await joinRunning(room, restarts, nameOrId);
  const bundle = room.paths.bundle(run.id);
  const resize = (rows: number, columns: number): void => {
    if (spec.tty) room.monitor.resize(bundle, rows, columns);
  };
  if (options.size && spec.tty && !options.start) resize(options.size.rows, options.size.columns);
  yield* terminalSession({
    socket,
    up,
    stdin: options.stdin && spec.interactive,
    output: options.output,
    detachKeys: options.detachKeys ?? spec.detachKeys ?? defaultDetachKeys,
    resize,
    signal,
    exitCode: () => exitAfterOutput(room, run, signal),
  });
}

/** Attached between create and start, so that not a byte of output is lost. Running already: just joins. */
async function startAndJoin(room: Room, nameOrId: string, options: AttachOptions): Promise<Joined> {
  const afterSequence = room.state.events.lastSequence();
  let socket: PacketSocket | undefined;
  try {
    const { record } = await startContainer(room, nameOrId, {
      size: options.size,
      beforeRun: async ({ id }) => {
        socket = await room.monitor.attach(room.paths.bundle(id));
      },
    });
    socket ??= await room.monitor.attach(room.paths.bundle(record.id));
    return { socket, run: identifyRun(room, record, afterSequence) };
  } catch (error) {
    socket?.close();
    throw error;
  }
}

async function joinRunning(room: Room, restarts: Restarts, nameOrId: string): Promise<Joined> {
  const { id } = room.state.containers.resolve(nameOrId);
  await handleExit(room, restarts, id);
  const afterSequence = room.state.events.lastSequence();
  const record = room.state.containers.get(id);
  if (!isActive(record)) {
    throw new EngineError('wrong-state', 'you can only attach to running containers', {
      fix: `start it: \`selkie start --attach ${record.name}\``,
      details: { container: record.id, state: record.state },
    });
  }
  const socket = await room.monitor.attach(room.paths.bundle(id));
  room.state.transaction(() => appendEvent(room, record, 'attach'));
  return { socket, run: identifyRun(room, record, afterSequence) };
}

/** The output has ended: either the container has too, or it has closed its output and runs on, or its monitor was killed. */
async function exitAfterOutput(room: Room, run: RunIdentity, signal: AbortSignal): Promise<number> {
  const soon = await waitForExitWithin(room, run, reportPatienceMs, signal);
  if (soon !== undefined) return soon;
  const record = room.state.containers.find(run.id);
  if (record && isActive(record) && findExit(room, record) === undefined && !isMonitorAlive(room, record)) {
    throw new EngineError('disconnected', `the monitor of ${titleOf(record)} was killed: its output is lost, the container runs on`, {
      fix: `restart it: \`selkie restart ${record.name}\``,
    });
  }
  return waitForExit(room, run, signal);
}
