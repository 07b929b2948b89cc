import { lstatSync, mkdirSync, rmdirSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { Mounts } from '../../system/system.ts';
import { clearMappedAt } from './mapped-mounts.ts';
import { hasCode } from './layout.ts';
import type { SnapshotLayout } from './layout.ts';

const deadErrnos = ['ENOTCONN', 'ECONNABORTED', 'EIO'];

/** The folders in the run root where snapshots are mounted: there only while they are. */
export class MountPoints {
  readonly #layout: SnapshotLayout;
  readonly #mounts: Pick<Mounts, 'isMountPoint' | 'unmount'>;

  constructor(layout: SnapshotLayout, mounts: Pick<Mounts, 'isMountPoint' | 'unmount'>) {
    this.#layout = layout;
    this.#mounts = mounts;
  }

  /** Makes the folder; answers whether it is mounted already. */
  prepare(key: string): boolean {
    const path = this.#layout.mountPoint(key);
    if (this.isMounted(key)) {
      if (isAlive(path)) return true;
      this.unmount(key);
    }
    make(path);
    return false;
  }

  isMounted(key: string): boolean {
    const path = this.#layout.mountPoint(key);
    // The question costs nothing for what is not there.
    return isThere(path) && this.#mounts.isMountPoint(path);
  }

  /** Nothing there: no error. */
  unmount(key: string): void {
    const path = this.#layout.mountPoint(key);
    if (!isThere(path)) return;
    try {
      this.#mounts.unmount(path);
    } catch (error) {
      // Somebody looks into it, with a shell or a file browser: it goes when they leave.
      if (!isEngineError(error, 'in-use')) throw error;
      this.#mounts.unmount(path, { detach: true });
    }
    this.clear(key);
  }

  refuseMounted(key: string): void {
    if (this.isMounted(key)) throw new EngineError('in-use', `snapshot ${key} is mounted`, { fix: 'stop what uses it first' });
  }

  /** An engine that died while it mounted or unmounted left an empty folder or two. */
  clear(key: string): void {
    const path = this.#layout.mountPoint(key);
    for (const directory of [path, dirname(path)]) {
      try {
        rmdirSync(directory);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EBUSY')) throw error;
        // An engine that died while it mounted a mapped one.
        if (hasCode(error, 'ENOTEMPTY') && directory !== path) this.#clearMapped(key, directory);
      }
    }
  }

  #clearMapped(key: string, directory: string): void {
    const mapped = this.#layout.mappedHome(key);
    if (!isThere(mapped)) return;
    clearMappedAt(mapped, { mounts: this.#mounts });
    rmdirSync(directory);
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (hasCode(error, ...deadErrnos)) return true;
    throw error;
  }
}

/** A FUSE mount whose program has died stays in the table. Its attributes may still be cached: only a question that goes through tells. */
function isAlive(path: string): boolean {
  try {
    statfsSync(path);
    return true;
  } catch (error) {
    if (hasCode(error, ...deadErrnos)) return false;
    throw error;
  }
}

function make(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT')) throw error;
    mkdirSync(path, { mode: 0o700, recursive: true });
  }
}
