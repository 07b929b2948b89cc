import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { withErrno } from '../errno.ts';
import { lastErrno, lastError, libc } from './libc.ts';
import type { Mounts, Namespaces, Processes } from '../system.ts';

const cloneNewNet = 0x40000000;
const ownNetwork = '/proc/thread-self/ns/net';

/**
 * Goes into a new network namespace, pins it, and comes back, in one go: a namespace belongs to a thread, and nothing else runs on
 * this one meanwhile. A tenth of what a child costs. Answers false without the right to come back.
 */
function pinFromHere(mounts: Mounts, path: string): boolean {
  const home = openSync(ownNetwork, constants.O_RDONLY);
  try {
    // Going to where we are: allowed to those who may come back.
    if (libc().setns(home, cloneNewNet) < 0) return false;
    if (libc().unshare(cloneNewNet) < 0) throw lastError('make', `the network namespace ${path}`);
    try {
      mounts.mount(ownNetwork, path, '', ['bind']);
    } finally {
      if (libc().setns(home, cloneNewNet) < 0) returnFailed();
    }
    return true;
  } finally {
    closeSync(home);
  }
}

/** In the wrong network everything that this process does from now on would be wrong: a crash is what the store is made for. */
function returnFailed(): never {
  process.stderr.write(`Error: this process cannot return to its own network namespace: ${lastErrno()}\n`);
  process.abort();
}

export function linuxNamespaces(processes: Processes, mounts: Mounts): Namespaces {
  return {
    async createNetwork(path) {
      withErrno('create', path, () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
        closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0o444));
      });
      try {
        if (pinFromHere(mounts, path)) return;
        // Rootless, a thread that left the host's network could never come back: a child makes and pins it.
        const result = await processes.run('unshare', [`--net=${path}`, 'true']);
        if (result.code !== 0) {
          throw new EngineError('runtime-failed', `make the network namespace ${path}: ${result.stderr.trim() || `status ${result.code}`}`);
        }
      } catch (error) {
        mounts.unmount(path, { detach: true });
        rmSync(path, { force: true });
        throw error;
      }
    },

    removeNetwork(path) {
      mounts.unmount(path, { detach: true });
      withErrno('remove', path, () => rmSync(path, { force: true }));
    },
  };
}
