import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { environmentWith } from './runtime.mjs';
import { say } from './say.mjs';

/**
 * Installs exactly what package-lock.json says, when node_modules does not hold that already. Without install scripts: none
 * of the packages needs one, and code that runs at installation is how supply chains are attacked.
 */
export function ensureNodePackages(root, runtime) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.cache', 'selkie', 'packages');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing npm packages: libraries of the application and tools that build and check it');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    what: 'npm ci',
    cwd: root,
    env: environmentWith(runtime, root),
  });
  mkdirSync(join(root, 'node_modules', '.cache', 'selkie'), { recursive: true });
  writeFileSync(stamp, lock);
}
