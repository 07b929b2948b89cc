import { EngineError } from '../base/errors.ts';
import { build } from '../base/version.ts';
import { engineContract } from '../contract/engine.ts';
import { type EngineOptions, loadConfig } from '../engine/config/config.ts';
import { createClient, serve } from '../rpc/rpc.ts';
import { memoryChannelPair } from '../rpc/transports/memory.ts';
import { createLinuxSystem } from '../system/linux/linux.ts';
import type { System } from '../system/system.ts';
import { resourcesDirectory } from './install-paths.ts';
import type { LaunchedEngine } from './launch.ts';
import { lackingSandbox } from './sandbox.ts';

export interface InProcessRequest {
  readonly options: EngineOptions;
  /** Handles the exits of containers while it is open: for commands that stay as long as a container does. */
  readonly watchExits?: boolean;
  /** Default true: repairs what earlier engines left. */
  readonly recover?: boolean;
  /** Told what was repaired. */
  readonly onMessage?: (message: string) => void;
  /** What of the configuration is not used, one line each. */
  readonly onWarning?: (message: string) => void;
  readonly onBug?: (error: unknown, path: string) => void;
  readonly system?: System;
}

export interface InProcessEngine extends LaunchedEngine {
  /** As `watchExits` from the start. */
  watchExits(): void;
}

/** An engine in this process, which has to be where one can run (see `enterSandbox`). */
export async function openInProcess(request: InProcessRequest): Promise<InProcessEngine> {
  const system = request.system ?? createLinuxSystem();
  const lacking = lackingSandbox(system);
  if (lacking !== undefined) throw new EngineError('internal', `an engine cannot run here: the ${lacking} namespace was not entered`);
  const config = loadConfig({ system, options: request.options, environment: process.env, resources: resourcesDirectory() });
  // Loaded late: `selkie --help` and the way into the sandbox do without it.
  const { createEngine } = await import('../engine/engine.ts');
  const engine = createEngine(config, system);
  try {
    if (request.recover !== false) for (const message of await engine.recover()) request.onMessage?.(message);
    if (request.onWarning) for (const message of engine.warnings()) request.onWarning(message);
    if (request.watchExits === true) engine.watchExits();
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  const [near, far] = memoryChannelPair();
  const server = serve(engineContract, engine.handlers, far, { engine: build.version, onBug: request.onBug ?? reportBug });
  const client = createClient(engineContract, near);
  const greeting = await client.ready;
  const closed = server.closed.then(() => engine[Symbol.asyncDispose]()).then(() => undefined);
  return {
    api: client.api,
    greeting,
    closed,
    watchExits: () => engine.watchExits(),
    async close() {
      client.close();
      await closed;
    },
  };
}

/** For programs that stay: the soft limits of a login session are far lower than what many containers' descriptors need. Loads the FFI. */
export function prepareLimits({ processes }: Pick<System, 'processes'>): void {
  for (const name of ['nofile', 'nproc']) {
    const limit = processes.resourceLimit(name);
    if (limit && limit.soft < limit.hard) processes.raiseSoftLimit(name);
  }
}

function reportBug(error: unknown, path: string): void {
  process.stderr.write(`selkie: ${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
