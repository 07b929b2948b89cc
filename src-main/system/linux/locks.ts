import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../errno.ts';
import type { Lock, Locks } from '../system.ts';
import { lastErrno, lastError, libc } from './libc.ts';

const lockShared = 1;
const lockExclusive = 2;
const lockNonBlocking = 4;

export const linuxLocks: Locks = {
  tryAcquire(path, mode = 'exclusive') {
    for (;;) {
      const fd = openLockFile(path);
      if (libc().flock(fd, (mode === 'shared' ? lockShared : lockExclusive) | lockNonBlocking) < 0) {
        const errno = lastErrno();
        const error = lastError('flock', path);
        closeSync(fd);
        if (errno === 'EAGAIN') return undefined;
        if (errno === 'EINTR') continue;
        throw error;
      }
      // The holder before us may have removed the file: a lock on a file without a name protects nothing.
      if (isStillNamed(fd, path)) return lockOn(fd);
      closeSync(fd);
    }
  },

  async acquire(path, options = {}) {
    const deadline = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(20, pauseMs * 1.5)) {
      throwIfAborted(options.signal);
      const lock = linuxLocks.tryAcquire(path, options.mode);
      if (lock) return lock;
      if (deadline !== undefined && performance.now() + pauseMs > deadline) {
        throw new EngineError('timeout', `waited ${options.timeoutMs ?? 0} ms for the lock ${path}: another process holds it`);
      }
      await pause(pauseMs, options.signal);
    }
  },
};

function openLockFile(path: string): number {
  const open = () => openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    return open();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toEngineError(error, 'open the lock', path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return open();
  }
}

function isStillNamed(fd: number, path: string): boolean {
  const named = statSync(path, { bigint: true, throwIfNoEntry: false });
  const held = fstatSync(fd, { bigint: true });
  return named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

function lockOn(fd: number): Lock {
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    closeSync(fd);
  };
  return { release, [Symbol.dispose]: release };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
