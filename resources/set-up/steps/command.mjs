import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetUpError } from './say.mjs';

/** Runs to the end with this terminal; throws with `what` when it fails. */
export function run(command, args, { what, cwd, env } = {}) {
  const result = spawnSync(command, args, { stdio: ['inherit', 2, 2], cwd, env: env ?? process.env });
  if (result.error) throw new SetUpError(`${what ?? command} failed: ${result.error.message}`);
  if (result.status !== 0) throw new SetUpError(`${what ?? command} failed (${result.signal ?? `status ${result.status}`})`);
}

/** Answers stdout, or undefined when it failed. */
export function output(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout : undefined;
}

/** Replaces this process as far as Node can: same terminal, signals handed on, its status becomes ours. */
export function become(command, args, { env } = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: env ?? process.env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`selkie: ${command} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (status, signal) => {
    process.exit(signal ? 1 : (status ?? 1));
  });
}

export function find(program) {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}
