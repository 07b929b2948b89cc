import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { withErrno } from '../errno.ts';
import type { Mounts, Namespaces, Processes } from '../system.ts';

export function linuxNamespaces(processes: Processes, mounts: Mounts): Namespaces {
  return {
    async createNetwork(path) {
      withErrno('create', path, () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
        closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0o444));
      });
      try {
        // A child makes and pins it: rootless, a thread that left the host's network could never come back.
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
