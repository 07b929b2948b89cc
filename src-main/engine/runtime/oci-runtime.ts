import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import type { ProcessResult, System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { cgroupManagerFor } from './cgroup.ts';
import { explainFailure } from './failure.ts';
import type { OciRuntime } from './runtime.ts';
import { startByFifo } from './quick-start.ts';
import { identifyTool } from './tool-version.ts';

type RuntimeName = OciRuntime['name'];
type RuntimeSystem = Pick<System, 'cgroups' | 'files' | 'identity' | 'processes'>;

const packages: Readonly<Record<RuntimeName, string>> = { crun: 'crun', runc: 'runc' };
/** Both print more; what is not looked at is not checked. */
const listSchema = v.nullable(v.array(v.object({ id: v.string(), status: v.string(), pid: v.number() })));
const commandTimeoutMs = 60_000;

/** Looks for the program when it is first needed; what is missing then is `missing-tool` with the fix. */
export function openOciRuntime({ config, system }: { readonly config: EngineConfig; readonly system: RuntimeSystem }): OciRuntime {
  return new CommandLineRuntime(config, system);
}

class CommandLineRuntime implements OciRuntime {
  readonly #config: EngineConfig;
  readonly #system: RuntimeSystem;
  #version: string | undefined;
  #found: { readonly name: RuntimeName; readonly path: string } | undefined;

  constructor(config: EngineConfig, system: RuntimeSystem) {
    this.#config = config;
    this.#system = system;
  }

  get name(): RuntimeName {
    return this.#program().name;
  }

  get path(): string {
    return this.#program().path;
  }

  get executable(): string {
    const { name, path } = this.#program();
    return name === 'crun' ? this.#system.processes.sealed(path) : path;
  }

  get cgroupManager(): OciRuntime['cgroupManager'] {
    return cgroupManagerFor(this.#config, this.#system);
  }

  get globalArguments(): readonly string[] {
    const root = `--root=${join(this.#config.runRoot, 'oci')}`;
    const manager = this.cgroupManager;
    if (manager === 'systemd') return [root, '--systemd-cgroup'];
    // runc makes no cgroup where the spec names none; crun would try to.
    return manager === 'disabled' && this.name === 'crun' ? [root, '--cgroup-manager=disabled'] : [root];
  }

  async describe(): Promise<{ name: string; path: string; version: string }> {
    const { name, path } = this.#program();
    return { name, path, version: await identifyTool(this.#system, this.#config.runRoot, path) };
  }

  async start(id: string): Promise<void> {
    this.#version ??= (await this.describe()).version;
    if (this.name === 'crun' && startByFifo(this.#stateDirectory, id, this.#version)) return;
    const result = await this.#run(['start', id]);
    if (result.code !== 0) throw this.explainFailure(result.stderr, []).within(`start container ${id}`);
  }

  async kill(id: string, signal: number, options: { readonly all?: boolean } = {}): Promise<void> {
    const result = await this.#run(['kill', ...(options.all === true ? ['--all'] : []), id, String(signal)]);
    if (result.code !== 0 && !isGone(result.stderr)) throw this.explainFailure(result.stderr, []).within(`signal container ${id}`);
  }

  async pause(id: string): Promise<void> {
    if (this.cgroupManager === 'disabled')
      throw new EngineError('unsupported', `container ${id.slice(0, 12)} cannot be paused: it has no cgroup of its own`, {
        fix: 'pausing without root needs cgroup v2 with delegation; leave --pause out, or stop the container meanwhile',
      });
    const result = await this.#run(['pause', id]);
    if (result.code !== 0) throw this.explainFailure(result.stderr, []).within(`pause container ${id}`);
  }

  async resume(id: string): Promise<void> {
    const result = await this.#run(['resume', id]);
    if (result.code !== 0 && !isGone(result.stderr) && !isNotPaused(result.stderr))
      throw this.explainFailure(result.stderr, []).within(`resume container ${id}`);
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    if (!this.#knows(id)) return;
    const result = await this.#run(['delete', ...(options.force === true ? ['--force'] : []), id]);
    if (result.code !== 0 && this.#knows(id)) throw this.explainFailure(result.stderr, []).within(`delete container ${id}`);
  }

  async list(): Promise<readonly { readonly id: string; readonly status: string; readonly pid: number }[]> {
    if (!isDirectory(this.#stateDirectory)) return [];
    const result = await this.#run(['list', '--format=json']);
    if (result.code !== 0) throw this.explainFailure(result.stderr, []).within('list containers');
    const text = result.stdout.trim();
    const parsed = v.safeParse(listSchema, text === '' ? null : JSON.parse(text));
    if (!parsed.success) throw new EngineError('runtime-failed', `${this.name} list answered something that is not a list of containers`);
    return (parsed.output ?? []).map(({ id, status, pid }) => ({ id, status, pid }));
  }

  explainFailure(message: string, command: readonly string[]): EngineError {
    return explainFailure(this.name, message, command);
  }

  get #stateDirectory(): string {
    return join(this.#config.runRoot, 'oci');
  }

  /** Both keep one folder per container: a look saves a process where there is nothing to delete. */
  #knows(id: string): boolean {
    return isDirectory(join(this.#stateDirectory, id));
  }

  #run(args: readonly string[]): Promise<ProcessResult> {
    return this.#system.processes.run(this.executable, [...this.globalArguments, ...args], { timeoutMs: commandTimeoutMs });
  }

  #program(): { readonly name: RuntimeName; readonly path: string } {
    this.#found ??= this.#find();
    return this.#found;
  }

  #find(): { readonly name: RuntimeName; readonly path: string } {
    const wanted = this.#config.ociRuntime;
    const name = basename(wanted);
    const known = name.startsWith('crun') ? 'crun' : name.startsWith('runc') ? 'runc' : undefined;
    if (known === undefined)
      throw new EngineError('unsupported', `the OCI runtime ${wanted} is not supported`, {
        fix: 'Use crun or runc, by name or absolute path.',
      });
    const path = this.#system.processes.find(wanted);
    if (path !== undefined) return { name: known, path };
    throw new EngineError('missing-tool', `the OCI runtime ${wanted} is not installed`, {
      fix: `Install the package ${packages[known]}, or choose another with --runtime.`,
      details: { tool: known },
    });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** crun: "container `x` does not exist", "kill container: No such process"; runc: "container does not exist", "process already finished". */
function isGone(stderr: string): boolean {
  return /does not exist|no such process|process already finished|container not running|is not running|no such file or directory/i.test(
    stderr,
  );
}

/** crun: "the container `x` is not paused"; runc: "container not paused". */
function isNotPaused(stderr: string): boolean {
  return /not paused|has not been paused/i.test(stderr);
}
