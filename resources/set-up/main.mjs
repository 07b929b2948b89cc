/**
 * All of the set-up, so that `npm start` and `npm test` are the only commands to know: looks for what is missing, says what it installs and
 * why, installs it, and then does what was asked. When nothing is missing it only starts. Runs on Node 18 and newer.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuild, ensureStarterImage } from './steps/build.mjs';
import { become, run } from './steps/command.mjs';
import { findElectron } from './steps/electron.mjs';
import { ensureNodePackages } from './steps/node-packages.mjs';
import { ensureRuntime, environmentWith, linkRuntime } from './steps/runtime.mjs';
import { SetUpError, say } from './steps/say.mjs';
import { applicationPackages, ensureSystemPackages, testPackages } from './steps/system-packages.mjs';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const commands = {
  start(args) {
    const runtime = ready();
    const electron = args.includes('--web') ? undefined : findElectron(root, runtime);
    const rest = args.filter((argument) => argument !== '--web');
    const env = { ...environmentWith(runtime, root), SELKIE_NODE: runtime };
    // Chromium refuses to run its sandbox as root; a window as root is for test machines only.
    if (electron) become(electron, [...(process.getuid() === 0 ? ['--no-sandbox'] : []), root, ...rest], { env });
    else become(runtime, [join(root, 'out', 'main', 'web.js'), ...rest], { env });
  },
  build() {
    ready();
    say('built; the command line is resources/bin/selkie');
  },
  check() {
    const env = environmentWith(packages(), root);
    const checks = [
      ['types', 'tsc', ['-p', '.']],
      ['lint', 'eslint', ['.', '--max-warnings', '0']],
      ['rooms', 'depcruise', ['src-main', 'src-renderer', '--output-type', 'err']],
      ['dead code', 'knip', []],
      ['format', 'biome', ['format', '.']],
    ];
    for (const [what, tool, args] of checks) {
      say(`checking ${what}`);
      run(bin(tool), args, { what: `the check of ${what}`, cwd: root, env });
    }
  },
  test(args) {
    ensureSystemPackages(testPackages, 'the tests run on real parts');
    const runtime = ready();
    become(runtime, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...args], {
      env: { ...environmentWith(runtime, root), SELKIE_NODE: runtime },
    });
  },
  bench(args) {
    const runtime = ready();
    become(runtime, [join(root, 'test', 'bench', 'main.ts'), ...args], {
      env: { ...environmentWith(runtime, root), SELKIE_NODE: runtime },
    });
  },
  package(args) {
    const runtime = ready();
    become(bin('electron-builder'), args, { env: environmentWith(runtime, root) });
  },
};

/** The runtime, and with it the npm packages; answers the runtime. */
function packages() {
  const runtime = ensureRuntime(root);
  ensureNodePackages(root, runtime);
  linkRuntime(root, runtime);
  return runtime;
}

/** Everything that the application needs; answers the runtime. */
function ready() {
  ensureSystemPackages(applicationPackages, 'the engine drives them');
  const runtime = packages();
  ensureStarterImage(root, runtime);
  ensureBuild(root, runtime);
  return runtime;
}

try {
  const [name, ...args] = process.argv.slice(2);
  const command = commands[name];
  if (!command) throw new SetUpError(`there is no command "${name}"`, `the commands are ${Object.keys(commands).join(', ')}`);
  process.chdir(root);
  command(args);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  say(error.message);
  if (error.fix) say(error.fix);
  process.exitCode = 1;
}
