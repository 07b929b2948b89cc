import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentWith } from './runtime.mjs';
import { say } from './say.mjs';

const retryAfterMs = 24 * 60 * 60 * 1000;

/**
 * Answers the Electron binary, or undefined with one line that says why not. A download that failed is tried again only the next
 * day, so that starting stays fast on a machine without access.
 */
export function findElectron(root, runtime) {
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    say('there is no display: opening the interface in a browser instead of a window');
    return undefined;
  }
  const installed = installedElectron(root);
  if (installed) return installed;
  const failure = join(root, 'node_modules', '.cache', 'selkie', 'electron-failed');
  if (!(existsSync(failure) && Date.now() - statSync(failure).mtimeMs < retryAfterMs)) {
    say('downloading Electron: the window of the application');
    const result = spawnSync(runtime, [join(root, 'node_modules', 'electron', 'install.js')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: 10 * 60 * 1000,
      env: environmentWith(runtime, root),
    });
    const binary = installedElectron(root);
    if (binary) {
      rmSync(failure, { force: true });
      return binary;
    }
    mkdirSync(join(root, 'node_modules', '.cache', 'selkie'), { recursive: true });
    writeFileSync(failure, (result.stderr ?? '').slice(-4000));
  }
  say('the Electron binary could not be downloaded: opening the interface in a browser instead of a window');
  return undefined;
}

function installedElectron(root) {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const directory = join(root, 'node_modules', 'electron');
  const name = existsSync(join(directory, 'path.txt')) ? readFileSync(join(directory, 'path.txt'), 'utf8').trim() : 'electron';
  const path = override ? join(override, name) : join(directory, 'dist', name);
  return existsSync(path) ? path : undefined;
}
