import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../base/errors.ts';

/** The folder of the installation: the checkout, or where the package was installed; it holds resources/bin. */
function installation(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'resources/bin/selkie-cleanup'))) return folder;
    if (folder === dirname(folder)) throw incomplete(`there is no resources/bin above ${import.meta.dirname}`);
  }
}

/** Launcher, clean-up script, starter image. A package keeps them beside its archive: files in there cannot be executed. */
export function resourcesDirectory(): string {
  return join(installation(), 'resources');
}

/** A built program: `worker`, `cleanup`. */
export function programPath(name: string): string {
  const folders = ['out/main', 'resources/app.asar/out/main'].map((folder) => join(installation(), folder));
  const path = folders.map((folder) => join(folder, `${name}.js`)).find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw incomplete(`there is no ${name}.js in ${folders[0] ?? ''}`, 'npm run build');
}

/** The runtime for another process of ours, and what its environment needs. */
export function nodeProgram(environment: NodeJS.ProcessEnv = process.env): {
  readonly path: string;
  readonly environment: Record<string, string>;
} {
  const given = environment['SELKIE_NODE'];
  if (given !== undefined && given !== '') return { path: given, environment: {} };
  if (!('electron' in process.versions)) return { path: process.execPath, environment: {} };
  const pinned = join(installation(), 'node_modules/.cache/selkie/node/bin/node');
  return existsSync(pinned) ? { path: pinned, environment: {} } : { path: process.execPath, environment: { ELECTRON_RUN_AS_NODE: '1' } };
}

function incomplete(why: string, command?: string): EngineError {
  return new EngineError('missing-tool', `this installation of Selkie is not complete: ${why}`, {
    fix: command === undefined ? 'install Selkie again' : `run: ${command}`,
  });
}
