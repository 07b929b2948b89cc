import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../errno.ts';

/** How long the event loop may stand still. */
const sliceMs = 8;
/** Folders deeper than this are moved up to the top first: each level costs a descriptor. */
const maxDepth = 256;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

interface Walk {
  readonly path: string;
  readonly mountId: string;
  readonly topFd: number;
  sliceEnd: number;
  moved: number;
}

/**
 * Removes a tree by synchronous calls in slices: asynchronous ones take 5 times as long. Every step is relative to an open folder
 * (/proc/self/fd/N), so a symlink that somebody swaps in meanwhile is never followed and a path may be longer than PATH_MAX.
 */
export async function removeTree(path: string): Promise<void> {
  const absolute = resolve(path);
  const parentFd = openIfExists(dirname(absolute), constants.O_RDONLY | constants.O_DIRECTORY, absolute);
  if (parentFd === undefined) return;
  try {
    const name = basename(absolute);
    if (unlinkUnlessFolder(parentFd, name, absolute)) return;
    const topFd = openFolder(parentFd, name, absolute);
    if (topFd === undefined) return;
    try {
      const mountId = mountIdOf(topFd);
      if (mountId !== mountIdOf(parentFd)) throw mounted(absolute);
      await empty(topFd, 0, absolute, { path: absolute, mountId, topFd, sliceEnd: performance.now() + sliceMs, moved: 0 });
    } finally {
      closeSync(topFd);
    }
    removeFolder(parentFd, name, absolute);
  } finally {
    closeSync(parentFd);
  }
}

async function empty(fd: number, depth: number, path: string, walk: Walk): Promise<void> {
  // Entries may be added while we remove (moved-up folders, a careless neighbour): until nothing is left.
  for (let pass = 0; ; pass++) {
    const entries = readdirSync(at(fd), { withFileTypes: true });
    if (entries.length === 0) return;
    if (pass > maxDepth * maxDepth) throw new EngineError('in-use', `remove ${walk.path}: something keeps filling ${path}`);
    for (const entry of entries) {
      if (performance.now() > walk.sliceEnd) {
        await new Promise((done) => setImmediate(done));
        walk.sliceEnd = performance.now() + sliceMs;
      }
      if (!entry.isDirectory() && unlinkUnlessFolder(fd, entry.name, `${path}/${entry.name}`)) continue;
      await removeChild(fd, entry.name, depth, path, walk);
    }
  }
}

async function removeChild(fd: number, name: string, depth: number, parentPath: string, walk: Walk): Promise<void> {
  const path = `${parentPath}/${name}`;
  const childFd = openFolder(fd, name, path);
  if (childFd === undefined) return;
  try {
    if (mountIdOf(childFd) !== walk.mountId) throw mounted(path);
    if (depth >= maxDepth) {
      renameSync(at(fd, name), at(walk.topFd, `.deep-${process.pid}-${walk.moved++}`));
      return;
    }
    await empty(childFd, depth + 1, path, walk);
  } finally {
    closeSync(childFd);
  }
  removeFolder(fd, name, path);
}

/** Opens a folder of a folder, making it accessible if need be; undefined when it is gone. */
function openFolder(parentFd: number, name: string, path: string): number | undefined {
  let fd = openIfExists(at(parentFd, name), directoryFlags, path, true);
  if (fd === 'denied') {
    chmodSync(at(parentFd, name), 0o700);
    fd = openIfExists(at(parentFd, name), directoryFlags, path);
  }
  if (fd === undefined) return undefined;
  // The superuser needs no permission bits.
  if (process.geteuid?.() !== 0 && (fstatSync(fd).mode & 0o700) !== 0o700) fchmodSync(fd, 0o700);
  return fd;
}

function openIfExists(path: string, flags: number, shown: string): number | undefined;
function openIfExists(path: string, flags: number, shown: string, tellDenied: true): number | 'denied' | undefined;
function openIfExists(path: string, flags: number, shown: string, tellDenied?: true): number | 'denied' | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (tellDenied === true && errnoOf(error) === 'EACCES') return 'denied';
    throw toEngineError(error, 'remove', shown);
  }
}

/** Answers false for a folder. */
function unlinkUnlessFolder(parentFd: number, name: string, path: string): boolean {
  try {
    unlinkSync(at(parentFd, name));
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'EISDIR') return false;
    if (errno === 'EBUSY') throw mounted(path);
    throw toEngineError(error, 'remove', path);
  }
}

function removeFolder(parentFd: number, name: string, path: string): void {
  try {
    rmdirSync(at(parentFd, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    if (errnoOf(error) === 'EBUSY') throw mounted(path);
    throw toEngineError(error, 'remove', path);
  }
}

function at(fd: number, name?: string): string {
  return name === undefined ? `/proc/self/fd/${fd}` : `/proc/self/fd/${fd}/${name}`;
}

/** Device numbers do not tell a bind mount of the same file system apart; mount ids do. */
function mountIdOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
}

function mounted(path: string): EngineError {
  return new EngineError('in-use', `remove ${path}: something is mounted there (EBUSY)`, {
    fix: `unmount it first: umount ${path}`,
    details: { errno: 'EBUSY', mountPoint: path },
  });
}
