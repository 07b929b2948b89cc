/** From global options to an engine in this process, inside the user's sandbox. */
import { resolve } from 'node:path';
import type { EngineOptions } from '../../engine/config/config.ts';
import type { InProcessEngine } from '../../launch/launch.ts';
import { write } from './output/print.ts';
import type { GlobalOptions } from './options/global-flags.ts';

/** Never returns where this program has to become itself inside the sandbox first: call it before anything is written or created. */
export async function connect(globals: GlobalOptions, watchExits: boolean): Promise<InProcessEngine> {
  const { enterSandbox, openInProcess } = await import('../../launch/launch.ts');
  await enterSandbox({ options: toEngineOptions(globals) });
  // Asked again: before, inside the sandbox, we were in / and not in the user's folder.
  const options = toEngineOptions(globals);
  const talkative = ['trace', 'debug', 'info'].includes(globals.logLevel);
  const quiet = ['error', 'fatal', 'panic'].includes(globals.logLevel);
  return openInProcess({
    options,
    watchExits,
    ...(talkative ? { onMessage: (message: string) => void write('stderr', `${message}\n`) } : {}),
    ...(quiet ? {} : { onWarning: (message: string) => void write('stderr', `Warning: ${message}\n`) }),
    onBug: (error, path) => void write('stderr', describeBug(error, path, talkative)),
  });
}

export function toEngineOptions(globals: GlobalOptions): EngineOptions {
  const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
  return {
    root: absolute(globals.graphRoot),
    runRoot: absolute(globals.runRoot),
    tmpDirectory: absolute(globals.tmpDirectory),
    storageDriver: globals.storageDriver,
    // None given: those of storage.conf and STORAGE_OPTS count. `--storage-opt ""` is one, and means none of them.
    storageOptions: globals.storageOptions.length > 0 ? globals.storageOptions : undefined,
    // A name is looked up, a path is a path.
    runtime: globals.runtime?.includes('/') === true ? absolute(globals.runtime) : globals.runtime,
    cgroupManager: globals.cgroupManager,
  };
}

/** One line for everybody, the stack for who asked for it. */
function describeBug(error: unknown, path: string, talkative: boolean): string {
  const text = error instanceof Error ? ((talkative ? error.stack : undefined) ?? error.message) : String(error);
  return `selkie: ${path}: ${text}\n`;
}
