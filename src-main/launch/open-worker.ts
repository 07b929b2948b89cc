import type { Readable } from 'node:stream';
import { EngineError } from '../base/errors.ts';
import { engineContract } from '../contract/engine.ts';
import type { EngineOptions } from '../engine/config/config.ts';
import { createClient } from '../rpc/rpc.ts';
import { nodeStreamChannel } from '../rpc/transports/node-stream.ts';
import { createLinuxSystem } from '../system/linux/linux.ts';
import type { SpawnedProcess, System } from '../system/system.ts';
import { openSandbox } from './enter-sandbox.ts';
import { toGlobalArguments } from './global-arguments.ts';
import { nodeProgram, programPath } from './install-paths.ts';
import type { LaunchedEngine } from './launch.ts';

export interface WorkerRequest {
  readonly options: EngineOptions;
  /** Each line that the worker logs; without it they go to our stderr. */
  readonly onLog?: (line: string) => void;
  /** The built worker; default that of this installation. */
  readonly program?: string;
  readonly system?: System;
}

export interface WorkerEngine extends LaunchedEngine {
  readonly pid: number;
  /** The last lines that the worker logged. */
  log(): readonly string[];
}

const keptLines = 200;
/** A worker that was asked to end and has not: something in it hangs. */
const endTimeoutMs = 5000;

/**
 * An engine in a process of its own inside the sandbox. It ends with us, whatever happens to us: its standard input closes.
 * Rejects with `disconnected`, and the worker's last words, when it does not come up.
 */
export async function openWorker(request: WorkerRequest): Promise<WorkerEngine> {
  const system = request.system ?? createLinuxSystem();
  const sandbox = await openSandbox(system, request.options);
  const node = nodeProgram();
  const words = ['--disable-warning=ExperimentalWarning', request.program ?? programPath('worker'), ...toGlobalArguments(request.options)];
  const [program, args] = sandbox ? sandbox.command(node.path, words) : [node.path, words];
  const worker = system.processes.spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    workingDirectory: '/',
    environment: { ...definedEnvironment(), ...node.environment },
  });
  const { 0: input, 1: output, 2: errors } = worker.pipes;
  if (!input || !output || !errors) throw new EngineError('internal', 'the worker has no pipes');
  const log = keepLog(errors, request.onLog ?? ((line) => process.stderr.write(`${line}\n`)));
  const client = createClient(engineContract, nodeStreamChannel(output, input));
  try {
    const greeting = await client.ready;
    return {
      api: client.api,
      greeting,
      pid: worker.pid,
      log: () => log,
      closed: Promise.all([client.closed, worker.exited]).then(() => undefined),
      async close() {
        client.close();
        await endOf(worker, system);
      },
    };
  } catch (error) {
    system.processes.signal(worker.pid, 'SIGKILL');
    const { code } = await worker.exited;
    const last = log.at(-1);
    throw new EngineError('disconnected', `the engine did not start: ${last ?? `its process ended with status ${code}`}`, {
      cause: error,
      details: { code, log: log.slice(-20) },
    });
  }
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function keepLog(stream: Readable, onLine: (line: string) => void): string[] {
  const lines: string[] = [];
  let rest = '';
  const add = (line: string) => {
    if (line === '') return;
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    onLine(line);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    parts.forEach(add);
  });
  stream.on('end', () => {
    add(rest);
  });
  return lines;
}

async function endOf(worker: SpawnedProcess, system: System): Promise<void> {
  const timer = setTimeout(() => system.processes.signal(worker.pid, 'SIGKILL'), endTimeoutMs);
  try {
    await worker.exited;
  } finally {
    clearTimeout(timer);
  }
}
