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
  rmdir,
  unlink,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../errno.ts';

/** Folders deeper than this are moved up to the top first: each level costs a descriptor. */
const maxDepth = 256;
/** An unlink waits for the file system's journal: several at once share a wait. Node has 4 threads for them. */
const concurrency = 8;
/** Something that keeps adding files while we remove them must not hold us for ever. */
const maxPasses = 100_000;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

interface Walk {
  readonly path: string;
  readonly mountId: string;
  readonly topFd: number;
  moved: number;
  /** Folders that are worked on beside the one that waits for them. */
  beside: number;
}

/**
 * Removes a tree. Every step is relative to an open folder (/proc/self/fd/N), so a symlink that somebody swaps in meanwhile is
 * never followed and a path may be longer than PATH_MAX.
 */
export async function removeTree(path: string): Promise<void> {
  const absolute = resolve(path);
  const parentFd = openIfExists(dirname(absolute), constants.O_RDONLY | constants.O_DIRECTORY, absolute);
  if (parentFd === undefined) return;
  try {
    const name = Buffer.from(basename(absolute)).toString('latin1');
    if (await unlinkUnlessFolder(parentFd, name, absolute)) return;
    const topFd = openFolder(parentFd, name, absolute);
    if (topFd === undefined) return;
    try {
      const mountId = mountIdOf(topFd);
      if (mountId !== mountIdOf(parentFd)) throw mounted(absolute);
      await empty(topFd, 0, absolute, { path: absolute, mountId, topFd, moved: 0, beside: 0 });
    } finally {
      closeSync(topFd);
    }
    await removeFolder(parentFd, name, absolute);
  } finally {
    closeSync(parentFd);
  }
}

async function empty(fd: number, depth: number, path: string, walk: Walk): Promise<void> {
  // Entries may be added while we remove (moved-up folders, a careless neighbour): until nothing is left.
  for (let pass = 0; ; pass++) {
    const entries = readdirSync(at(fd), { withFileTypes: true, encoding: 'latin1' });
    if (entries.length === 0) return;
    if (pass > maxPasses) throw new EngineError('in-use', `remove ${walk.path}: something keeps filling ${path}`);
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    const others = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    await removeFiles(others, async (name) => {
      // The type of an entry may be unknown, or have changed.
      if (!(await unlinkUnlessFolder(fd, name, `${path}/${name}`))) folders.push(name);
    });
    await removeFolders(folders, (name) => removeChild(fd, name, depth, path, walk), walk);
  }
}

/** Waits for all that was begun, also after a failure: descriptors are closed afterwards. */
async function removeFiles(names: readonly string[], remove: (name: string) => Promise<void>): Promise<void> {
  const rest = names[Symbol.iterator]();
  const work = async () => {
    for (const name of rest) await remove(name);
  };
  const running = Array.from({ length: Math.min(concurrency, names.length) }, work);
  await Promise.allSettled(running);
  await Promise.all(running);
}

/** A few beside each other in the whole tree, the others one after the other: each holds a descriptor per level. */
async function removeFolders(names: readonly string[], remove: (name: string) => Promise<void>, walk: Walk): Promise<void> {
  const beside: Promise<void>[] = [];
  try {
    for (const name of names) {
      if (walk.beside >= concurrency) {
        await remove(name);
        continue;
      }
      walk.beside++;
      beside.push(
        remove(name).finally(() => {
          walk.beside--;
        }),
      );
    }
  } finally {
    await Promise.allSettled(beside);
  }
  await Promise.all(beside);
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
  await removeFolder(fd, name, path);
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

function openIfExists(path: string | Buffer, flags: number, shown: string): number | undefined;
function openIfExists(path: string | Buffer, flags: number, shown: string, tellDenied: true): number | 'denied' | undefined;
function openIfExists(path: string | Buffer, flags: number, shown: string, tellDenied?: true): number | 'denied' | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (tellDenied === true && errnoOf(error) === 'EACCES') return 'denied';
    throw toEngineError(error, 'remove', shown);
  }
}

/** Answers false for a folder. */
async function unlinkUnlessFolder(parentFd: number, name: string, path: string): Promise<boolean> {
  const error = await attempt(unlink, at(parentFd, name));
  if (error === undefined || errnoOf(error) === 'ENOENT') return true;
  if (errnoOf(error) === 'EISDIR') return false;
  throw errnoOf(error) === 'EBUSY' ? mounted(path) : toEngineError(error, 'remove', path);
}

async function removeFolder(parentFd: number, name: string, path: string): Promise<void> {
  const error = await attempt(rmdir, at(parentFd, name));
  if (error === undefined || errnoOf(error) === 'ENOENT') return;
  throw errnoOf(error) === 'EBUSY' ? mounted(path) : toEngineError(error, 'remove', path);
}

type PathCall = (path: string | Buffer, callback: (error: Error | null) => void) => void;

/** Callbacks cost half of what promises of node:fs do. */
function attempt(call: PathCall, path: string | Buffer): Promise<Error | undefined> {
  return new Promise((resolve) => {
    call(path, (error) => {
      resolve(error ?? undefined);
    });
  });
}

/** Names of entries are bytes, one per character here: what is not UTF-8 has to be removable too. */
function at(fd: number, name?: string): string | Buffer {
  return name === undefined ? `/proc/self/fd/${fd}` : Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1');
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
