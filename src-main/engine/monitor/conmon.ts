import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { PacketSocket } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { identifyTool, type OciRuntime } from '../runtime/runtime.ts';
import { createArguments } from './arguments.ts';
import { reopenLog, resizeTerminal } from './control.ts';
import { startExec } from './exec.ts';
import type { ExecMonitorRequest, ExecSession, Monitor, MonitorRequest } from './monitor.ts';
import { commandOf, explainRefusal, type MonitorContext, type MonitorSystem, startConmon } from './start-conmon.ts';
import { takeBackNullDevice } from './null-device.ts';
import { SyncPipe } from './sync-pipe.ts';

/** Looks for conmon when it is first needed. */
export function openMonitor(parts: {
  readonly config: EngineConfig;
  readonly system: MonitorSystem;
  readonly runtime: OciRuntime;
}): Monitor {
  return new ConmonMonitor(parts.config, parts.system, parts.runtime);
}

class ConmonMonitor implements Monitor {
  readonly #runRoot: string;
  readonly #system: MonitorSystem;
  readonly #runtime: OciRuntime;
  #path: string | undefined;

  constructor(config: EngineConfig, system: MonitorSystem, runtime: OciRuntime) {
    this.#runRoot = config.runRoot;
    this.#system = system;
    this.#runtime = runtime;
  }

  get path(): string {
    this.#path ??= this.#system.processes.find('conmon');
    if (this.#path !== undefined) return this.#path;
    throw new EngineError('missing-tool', 'conmon is not installed', { fix: 'Install the package conmon.', details: { tool: 'conmon' } });
  }

  async describe(): Promise<{ path: string; version: string }> {
    return { path: this.path, version: await identifyTool(this.#system, this.#runRoot, this.path) };
  }

  async create(request: MonitorRequest): Promise<{ pid: number; conmonPid: number }> {
    const context = this.#context();
    const log = join(request.bundle, 'monitor.log');
    const conmon = startConmon(context, createArguments(request, this.#runtime), log, {});
    using sync = new SyncPipe(conmon.pipe);
    const answer = await sync.next();
    takeBackNullDevice(this.#system.identity);
    const { code } = await conmon.process.exited;
    if (answer === undefined || answer.data <= 0)
      throw explainRefusal(context, answer, code, log, commandOf(join(request.bundle, 'config.json')));
    return { pid: answer.data, conmonPid: Number(readFileSync(request.conmonPidFile, 'utf8')) };
  }

  attach(bundle: string): Promise<PacketSocket> {
    return this.#system.sockets.connectPacket(join(bundle, 'attach'));
  }

  resize(bundle: string, rows: number, columns: number): void {
    resizeTerminal(bundle, rows, columns);
  }

  reopenLog(bundle: string): void {
    reopenLog(bundle);
  }

  exec(request: ExecMonitorRequest): Promise<ExecSession> {
    return startExec(this.#context(), request);
  }

  #context(): MonitorContext {
    return { system: this.#system, runtime: this.#runtime, path: this.path };
  }
}
