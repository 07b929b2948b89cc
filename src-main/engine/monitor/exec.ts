import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { PacketSocket } from '../../system/system.ts';
import { execArguments } from './arguments.ts';
import { commandOf, explainRefusal, type MonitorContext, startConmon, type StartedConmon } from './start-conmon.ts';
import { resizeTerminal } from './control.ts';
import type { ExecMonitorRequest, ExecSession } from './monitor.ts';
import { takeBackNullDevice } from './null-device.ts';
import { SyncPipe, type SyncMessage } from './sync-pipe.ts';

const killedStatus = 137;

/**
 * One process in a running container, under a conmon of its own. Attached: conmon makes its socket, we connect, and only then it calls the
 * runtime, so that not a byte of output is lost.
 */
export async function startExec(context: MonitorContext, request: ExecMonitorRequest): Promise<ExecSession> {
  context.system.files.ensureDirectory(request.directory, 0o700);
  const log = join(request.directory, 'monitor.log');
  const conmon = startConmon(context, execArguments(request, context.runtime), log, { held: !request.detached });
  const sync = new SyncPipe(conmon.pipe);
  let socket: PacketSocket | undefined;
  let answer: SyncMessage | undefined;
  try {
    if (!request.detached) socket = await attachFirst(context, request, conmon);
    answer = await sync.next();
    takeBackNullDevice(context.system.identity);
    if (answer === undefined || answer.data <= 0) throw await refusal(context, request, conmon, answer, log);
  } catch (error) {
    socket?.close();
    sync[Symbol.dispose]();
    throw error;
  }
  return sessionOf(context, request, answer.data, socket, sync);
}

async function attachFirst(context: MonitorContext, request: ExecMonitorRequest, conmon: StartedConmon): Promise<PacketSocket | undefined> {
  const { 4: start, 5: attach } = conmon.process.pipes;
  if (!start || !attach) throw new EngineError('internal', 'the start and attach pipes are missing');
  // conmon may be gone already: then the sync pipe says why.
  start.on('error', () => undefined);
  using attachPipe = new SyncPipe(attach);
  start.write('\0');
  const ready = await attachPipe.next();
  if (ready === undefined) {
    start.destroy();
    return undefined;
  }
  const socket = await context.system.sockets.connectPacket(join(request.directory, 'attach'));
  if (request.size !== undefined && request.tty) resizeTerminal(request.directory, request.size.rows, request.size.columns);
  start.end('\0', () => start.destroy());
  return socket;
}

async function refusal(
  context: MonitorContext,
  request: ExecMonitorRequest,
  conmon: StartedConmon,
  answer: SyncMessage | undefined,
  log: string,
): Promise<EngineError> {
  const { code } = await conmon.process.exited;
  return explainRefusal(context, answer, code, log, commandOf(request.processSpecPath));
}

function sessionOf(
  context: MonitorContext,
  request: ExecMonitorRequest,
  pid: number,
  socket: PacketSocket | undefined,
  sync: SyncPipe,
): ExecSession {
  const { processes } = context.system;
  const startTime = processes.startTime(pid);
  const exited = sync.next().then((end) => {
    sync[Symbol.dispose]();
    takeBackNullDevice(context.system.identity);
    return end === undefined ? killedStatus : end.data;
  });
  // Nobody has to wait for what runs detached.
  if (request.detached) sync.release();
  return {
    pid,
    socket,
    exited,
    kill(signal) {
      if (startTime !== undefined && processes.startTime(pid) === startTime) processes.signal(pid, signal);
    },
    resize: (rows, columns) => resizeTerminal(request.directory, rows, columns),
  };
}
