import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EngineError } from '../base/errors.ts';
import { type EngineOptions, loadConfig } from '../engine/config/config.ts';
import { createLinuxSystem } from '../system/linux/linux.ts';
import type { System } from '../system/system.ts';
import { resourcesDirectory } from './install-paths.ts';
import { ensureSandbox, lackingSandbox, type Sandbox } from './sandbox.ts';

/** nsenter leaves us in /; this names the folder that the user is in. */
const workingDirectoryVariable = 'SELKIE_WORKING_DIRECTORY';

export interface EnterRequest {
  readonly options: EngineOptions;
  /** What runs in there instead of this program with its arguments: an absolute path first. */
  readonly argv?: readonly string[];
  readonly system?: System;
}

/**
 * Makes sure that this program runs where an engine can: either returns at once, in the folder that the user is in, or
 * becomes the same program inside the sandbox and never returns. Call it before anything was written or opened.
 */
export async function enterSandbox(request: EnterRequest): Promise<void> {
  const system = request.system ?? createLinuxSystem();
  if (lackingSandbox(system) === undefined) {
    restoreWorkingDirectory();
    return;
  }
  const sandbox = await openSandbox(system, request.options);
  if (!sandbox) return;
  const [program = '', ...args] = request.argv ?? [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const [command, words] = sandbox.command(program, args);
  const path = system.processes.find(command);
  if (path === undefined)
    throw new EngineError('missing-tool', `the program ${command} is not installed`, { fix: 'install the package util-linux' });
  const environment = { ...definedOf(process.env), [workingDirectoryVariable]: workingDirectory() };
  if (typeof process.execve === 'function') process.execve(path, [command, ...words], environment);
  await forward(path, words, environment);
}

/** The sandbox for options; for hosts that start another process in there. */
export function openSandbox(system: System, options: EngineOptions): Promise<Sandbox | undefined> {
  return ensureSandbox({
    system,
    options,
    environment: process.env,
    runRoot: () => loadConfig({ system, options, environment: process.env, resources: resourcesDirectory() }).runRoot,
  });
}

function restoreWorkingDirectory(): void {
  const folder = process.env[workingDirectoryVariable];
  if (folder === undefined) return;
  // What we start must not be sent there.
  Reflect.deleteProperty(process.env, workingDirectoryVariable);
  try {
    process.chdir(folder);
  } catch {
    // It does not exist in there, or we may not enter it: / is as good as any.
  }
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

function definedOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Before Node 22.15 a process cannot become another: it waits for it instead, passing signals on and the status back. */
async function forward(path: string, words: readonly string[], environment: Record<string, string>): Promise<never> {
  const child = spawn(path, words, { stdio: 'inherit', env: environment });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  process.exit(code);
}
