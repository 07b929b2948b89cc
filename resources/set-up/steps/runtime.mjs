import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
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
 * the binary (no install script; its integrity is in runtime/package-lock.json). It comes before all other packages: npm leaves out
 * what does not fit the Node that runs it.
 */
export function ensureRuntime(root) {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const folder = join(root, 'resources', 'set-up', 'runtime');
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).optionalDependencies[`node-linux-${process.arch}`];
  if (wanted === undefined) {
    throw new SetUpError(
      `there is no packaged Node.js for ${process.platform} on ${process.arch}`,
      `install Node.js ${oldestMajor}.${oldestMinor} or newer and try again`,
    );
  }
  const binary = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (existsSync(binary) && output(binary, ['--version'])?.trim() === `v${wanted}`) return binary;
  say(
    `installing Node.js ${wanted} beside the project: the engine needs ${oldestMajor}.${oldestMinor} or newer, this machine has ${process.versions.node}`,
  );
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { what: 'npm ci of the runtime', cwd: folder });
  if (!existsSync(binary)) throw new SetUpError(`Node.js ${wanted} was installed and is not there: ${binary}`);
  return binary;
}

/** Where resources/bin/selkie looks first, whatever Node comes first on somebody's PATH. */
export function linkRuntime(root, runtime) {
  const link = join(root, 'node_modules', '.cache', 'selkie', 'node', 'bin', 'node');
  try {
    if (readlinkSync(link) === runtime) return;
  } catch {
    // Not there, or no link: made anew.
  }
  mkdirSync(dirname(link), { recursive: true });
  rmSync(`${link}.new`, { force: true });
  symlinkSync(runtime, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/** An environment in which `node` is that runtime, for tools that look on PATH. */
export function environmentWith(runtime, root) {
  return { ...process.env, PATH: [dirname(runtime), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter) };
}
