import { EngineError } from '../base/errors.ts';
import { type EngineOptions, loadConfig } from '../engine/config/config.ts';
import { createLinuxSystem } from '../system/linux/linux.ts';
import type { System } from '../system/system.ts';
import { enterSandbox } from './enter-sandbox.ts';
import { resourcesDirectory } from './install-paths.ts';
import { lackingSandbox } from './sandbox.ts';

export interface RunRequest {
  readonly options: EngineOptions;
  /** A program, looked for in PATH, and its arguments. */
  readonly argv: readonly string[];
  readonly system?: System;
}

/**
 * Becomes the program where an engine runs. The namespaces have folders of their own: the one the user is in is entered there again. Inside already, it
 * is just started. Errors: `unsupported` where root has no need of namespaces, as Podman has it.
 */
export async function runInSandbox({ options, argv, system = createLinuxSystem() }: RunRequest): Promise<number> {
  const { identity } = system;
  const lacking = lackingSandbox(system);
  if (lacking === undefined && !identity.rootless) throw new EngineError('unsupported', 'please use unshare with rootless');
  const { graphRoot, runRoot } = loadConfig({ system, options, environment: process.env, resources: resourcesDirectory() });
  // For scripts that were written for `podman unshare`.
  process.env['CONTAINERS_GRAPHROOT'] = graphRoot;
  process.env['CONTAINERS_RUNROOT'] = runRoot;
  const words = ['/bin/sh', '-c', 'cd "$1" 2>/dev/null; unset SELKIE_WORKING_DIRECTORY; shift; exec "$@"', 'sh', process.cwd(), ...argv];
  if (lacking !== undefined) await enterSandbox({ options, argv: words, system });
  const result = system.processes.spawn('/bin/sh', words.slice(1), { stdio: ['inherit', 'inherit', 'inherit'] });
  const { code, signal } = await result.exited;
  return signal === undefined ? code : 128 + (await import('node:os')).constants.signals[signal];
}

/** Whether what an engine mounts cannot be seen from this process. */
export function isOutsideOfSandbox(system: System = createLinuxSystem()): boolean {
  return lackingSandbox(system) !== undefined;
}
