import {
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { disposable } from '../../base/disposable.ts';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError, withErrno } from '../errno.ts';
import type { Files } from '../system.ts';
import { removeTree } from './remove-tree.ts';

let counter = 0;

export const linuxFiles: Files = {
  writeDurably(path, data, options = {}) {
    replace(path, data, options.mode, true);
    linuxFiles.syncDirectory(dirname(path));
  },

  writeAtomically(path, data, options = {}) {
    replace(path, data, options.mode, false);
  },

  readTextIfExists(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      throw toEngineError(error, 'read', path);
    }
  },

  ensureDirectory(path, mode = 0o755) {
    withErrno('create the folder', path, () => mkdirSync(path, { recursive: true, mode }));
  },

  syncDirectory(path) {
    withErrno('fsync', path, () => {
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  },

  syncFile(path) {
    withErrno('fsync', path, () => {
      const fd = openSync(path, constants.O_RDONLY);
      try {
        fdatasyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  },

  removeTree,

  freeBytes: (path) =>
    withErrno('statfs', path, () => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    }),

  totalBytes: (path) =>
    withErrno('statfs', path, () => {
      const { blocks, bsize } = statfsSync(path);
      return blocks * bsize;
    }),

  watchDirectory(path, listener) {
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => {
        if (name !== null) listener(name);
      });
      // The folder itself was removed: nothing more will come, and that is no reason to die.
      watcher.on('error', () => {
        watcher.close();
      });
      return disposable(() => {
        watcher.close();
      });
    } catch (error) {
      if (errnoOf(error) === 'EMFILE' || errnoOf(error) === 'ENOSPC') {
        throw new EngineError('limit-exceeded', `watch ${path}: this user has too many inotify watches`, {
          fix: 'raise the limits: sudo sysctl fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288',
          cause: error,
        });
      }
      throw toEngineError(error, 'watch', path);
    }
  },
};

function replace(path: string, data: string | Uint8Array, mode: number | undefined, durable: boolean): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${++counter}.tmp`);
  try {
    const fd = openSync(temporary, 'wx', mode ?? 0o644);
    try {
      // The umask has no say in a mode that was asked for.
      if (mode !== undefined) fchmodSync(fd, mode);
      writeFileSync(fd, data);
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw toEngineError(error, 'write', path);
  }
}
