/** Selkie as built: the command line by its launcher, and a warm engine by the same client that the window has. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { output, type Command } from '../measure.ts';
import type { openEngine as OpenEngine, WarmEngine } from '../warm-engine.ts';

interface WarmEngineModule {
  readonly openEngine: typeof OpenEngine;
}

export interface Selkie {
  readonly version: string;
  /** --root, --runroot, --tmpdir of our own. */
  readonly globals: readonly string[];
  command(...args: readonly string[]): Command;
  freshCommand(...args: readonly string[]): Command;
  /** One for all rows; opened on first use. */
  engine(): Promise<WarmEngine>;
  /** The interface on loopback with its engine. */
  webCommand(): Command;
  close(): Promise<void>;
}

/** @param app the installation to measure: a built checkout, or a copy of one */
export async function openSelkie(directory: string, app: string): Promise<Selkie> {
  if (!existsSync(join(app, 'out/main/cli.js'))) throw new Error(`Selkie is not built in ${app}: run npm run build`);
  const environment = { SELKIE_NODE: process.execPath };
  const tmpdir = join(directory, 'tmp');
  mkdirSync(tmpdir, { recursive: true, mode: 0o700 });
  const globalsIn = (store: string): string[] => [
    '--root',
    join(directory, store, 'graph'),
    '--runroot',
    join(directory, store, 'run'),
    '--tmpdir',
    tmpdir,
  ];
  const globals = globalsIn('store');
  const launcher = join(app, 'resources/bin/selkie');
  const command = (...args: readonly string[]): Command => ({ program: launcher, args: [...globals, ...args], environment });
  let stores = 0;
  let warm: Promise<WarmEngine> | undefined;
  return {
    version: (await output(command('--version'))).replace(/^\S+ version /, ''),
    globals,
    command,
    freshCommand: (...args) => ({ program: launcher, args: [...globalsIn(`pull${stores++}`), ...args], environment }),
    engine: () => (warm ??= openWarmEngine(directory, tmpdir, app)),
    webCommand: () => ({ program: process.execPath, args: [join(app, 'out/main/web.js'), ...globals], environment }),
    async close() {
      await (await warm)?.close();
      const all = await output(command('ps', '--all', '--quiet', '--no-trunc'));
      if (all !== '') await output(command('rm', '--force', '--time', '0', ...all.split('\n')));
      endSandbox(tmpdir);
    },
  };
}

async function openWarmEngine(directory: string, tmpdir: string, app: string): Promise<WarmEngine> {
  // The client's code is TypeScript that this Node does not run as it is: bundled, in a folder that git ignores, inside of the
  // installation, since that is where the client looks for the worker's program.
  const outDir = join(app, 'test/.output/bench');
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['koffi'] },
    build: {
      ssr: join(import.meta.dirname, '../warm-engine.ts'),
      outDir,
      target: 'node22',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'warm-engine.mjs' } },
    },
  });
  const { openEngine } = (await import(join(outDir, 'warm-engine.mjs'))) as WarmEngineModule;
  return openEngine({ root: join(directory, 'store/graph'), runRoot: join(directory, 'store/run'), tmpDirectory: tmpdir });
}

/** The pause process stays for the user's next engine: here there is none. It is known by pid and start time. */
function endSandbox(tmpdir: string): void {
  const file = join(tmpdir, 'pause.pid');
  if (!existsSync(file)) return;
  const [pid = '', startTime = ''] = readFileSync(file, 'utf8').trim().split(/\s+/);
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  if (startTime !== '' && stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] === startTime) process.kill(Number(pid), 'SIGKILL');
}
