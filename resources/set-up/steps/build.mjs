import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { environmentWith } from './runtime.mjs';
import { say } from './say.mjs';

const sources = ['src-main', 'src-renderer', 'electron.vite.config.ts', 'package-lock.json', 'package.json', 'tsconfig.json'];

/** Builds into out/ unless it holds the build of exactly these sources (names, sizes, times: 10 ms). */
export function ensureBuild(root, runtime) {
  const state = fingerprint(root);
  const stamp = join(root, 'out', '.stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  say('building the application');
  rmSync(join(root, 'out'), { recursive: true, force: true });
  run(runtime, [join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'build', '--logLevel', 'warn'], {
    what: 'the build',
    cwd: root,
    env: { ...environmentWith(runtime, root), NODE_ENV: 'production' },
  });
  writeFileSync(stamp, state);
}

/** Makes the embedded starter image from the machine's static busybox, unless it is there and newer than its recipe. */
export function ensureStarterImage(root, runtime) {
  const recipe = join(root, 'resources', 'set-up', 'build-starter-image.mjs');
  const image = join(root, 'resources', 'starter-image', 'starter.tar');
  if (existsSync(image) && statSync(image).mtimeMs > statSync(recipe).mtimeMs) return;
  say('making the embedded starter image from busybox');
  mkdirSync(join(root, 'resources', 'starter-image'), { recursive: true });
  run(runtime, [recipe, image], { what: 'the starter image', cwd: root });
}

function fingerprint(root) {
  const hash = createHash('sha256');
  const visit = (path) => {
    const status = statSync(join(root, path));
    if (status.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
    else hash.update(`${path} ${status.size} ${status.mtimeMs}\n`);
  };
  for (const path of sources) if (existsSync(join(root, path))) visit(path);
  return hash.digest('hex');
}
