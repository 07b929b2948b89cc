/**
 * Copies a folder's content as it is: owners, modes, times, attributes, symlinks, hard links, holes, special files as far as we may make them.
 *
 * Every step is relative to an open folder (/proc/self/fd/N) and symlinks are copied, never followed, in the source and in the target: a running
 * container may have the target mounted and play with it. Entries are made in a folder beside the target, where no container looks, and
 * get their name when they are whole. What exists is left alone and folders are joined, so an interrupted copy can be repeated.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { join } from 'node:path';
import { isEngineError, throwIfAborted } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import { copyFileContent } from './copy-file-content.ts';

/** How long the event loop may stand still. */
const sliceMs = 8;
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

interface Copy {
  readonly system: System;
  readonly workshop: string;
  readonly signal: AbortSignal | undefined;
  sliceEnd: number;
}

/**
 * @param source descriptor of a folder; stays open
 * @param workshop a folder of ours on the target's file system; removed before and after
 */
export async function copyTree(system: System, source: number, target: string, workshop: string, signal?: AbortSignal): Promise<void> {
  await system.files.removeTree(workshop);
  system.files.ensureDirectory(workshop, 0o700);
  const targetFd = withErrno('open', target, () => openSync(target, directoryFlags));
  try {
    const copy: Copy = { system, workshop, signal, sliceEnd: performance.now() + sliceMs };
    await copyContent(copy, source, targetFd, '');
    finishFolder(copy, source, targetFd, '/');
  } finally {
    closeSync(targetFd);
    await system.files.removeTree(workshop);
  }
}

async function copyContent(copy: Copy, source: number, target: number, shown: string): Promise<void> {
  for (const name of readdirSync(at(source), { encoding: 'buffer' })) {
    if (performance.now() > copy.sliceEnd) {
      await new Promise((done) => setImmediate(done));
      throwIfAborted(copy.signal);
      copy.sliceEnd = performance.now() + sliceMs;
    }
    const [from, to, path] = [at(source, name), at(target, name), `${shown}/${name.toString()}`];
    const stats = withErrno('read', path, () => lstatSync(from, { bigint: true }));
    const existing = lstatSync(to, { throwIfNoEntry: false });
    if (stats.isDirectory()) {
      if (existing === undefined) withErrno('create the folder', path, () => mkdirSync(to, 0o700));
      if (existing?.isDirectory() !== false) await copyFolder(copy, from, to, path);
    } else if (existing === undefined) await copyOther(copy, stats, from, to, path);
  }
}

async function copyFolder(copy: Copy, from: Buffer, to: Buffer, shown: string): Promise<void> {
  const source = withErrno('open', shown, () => openSync(from, directoryFlags));
  try {
    const target = withErrno('open', shown, () => openSync(to, directoryFlags));
    try {
      await copyContent(copy, source, target, shown);
      finishFolder(copy, source, target, shown);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Times last: what is made in a folder changes them. */
function finishFolder(copy: Copy, source: number, target: number, shown: string): void {
  withErrno('set the owner and mode of', shown, () => {
    const stats = fstatSync(source, { bigint: true });
    fchownSync(target, Number(stats.uid), Number(stats.gid));
    fchmodSync(target, Number(stats.mode & 0o7777n));
    // The dot makes it a path with a final component, which these calls do not follow.
    copyAttributes(copy.system, `/proc/self/fd/${source}/.`, `/proc/self/fd/${target}/.`);
    copy.system.attributes.setTimes(`/proc/self/fd/${target}/.`, stats.atimeNs, stats.mtimeNs);
  });
}

async function copyOther(copy: Copy, stats: BigIntStats, from: Buffer, to: Buffer, shown: string): Promise<void> {
  try {
    if (stats.nlink === 1n) {
      const made = join(copy.workshop, 'entry');
      await make(copy, stats, from, made);
      renameSync(made, to);
      return;
    }
    // A hard link may come from anywhere in the tree: it is linked from our own folder, where nobody can swap it.
    const anchor = join(copy.workshop, `${stats.dev}-${stats.ino}`);
    if (lstatSync(anchor, { throwIfNoEntry: false }) === undefined) await make(copy, stats, from, anchor);
    linkSync(anchor, to);
  } catch (error) {
    // A device, in a user namespace: nobody there could use it either.
    if (isDevice(stats) && isEngineError(error, 'denied')) return;
    withErrno('copy', shown, () => {
      throw error;
    });
  }
}

function isDevice(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() || stats.isBlockDevice();
}

async function make(copy: Copy, stats: BigIntStats, from: Buffer, to: string): Promise<void> {
  const { attributes } = copy.system;
  const mode = Number(stats.mode);
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
  else if (stats.isFile()) await copyFileContent(from, to, stats);
  else if (stats.isFIFO()) attributes.makeFifo(to, mode);
  else attributes.makeNode(to, mode, ...deviceNumber(stats.rdev));
  try {
    lchownSync(to, Number(stats.uid), Number(stats.gid));
    // After the owner, whose change takes setuid away.
    if (!stats.isSymbolicLink()) chmodSync(to, mode & 0o7777);
    const name = from.toString();
    // Extended attributes go by text: of a name that is not UTF-8 they are left behind.
    if (Buffer.from(name).equals(from)) copyAttributes(copy.system, name, to);
    attributes.setTimes(to, stats.atimeNs, stats.mtimeNs);
  } catch (error) {
    unlinkSync(to);
    throw error;
  }
}

/** makedev(3) backwards. */
function deviceNumber(rdev: bigint): [major: number, minor: number] {
  return [Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)), Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n))];
}

/** Those that we may set: file capabilities and user attributes; labels and trusted ones belong to the host. */
function copyAttributes(system: System, from: string, to: string): void {
  for (const name of system.attributes.listXattrs(from)) {
    if (/^(trusted|user)\.overlay\.|^security\.selinux$/.test(name)) continue;
    const value = system.attributes.getXattr(from, name);
    if (value === undefined) continue;
    try {
      system.attributes.setXattr(to, name, value);
    } catch (error) {
      if (!isEngineError(error, 'denied') && !isEngineError(error, 'unsupported')) throw error;
    }
  }
}

function at(fd: number, name?: Buffer): Buffer {
  const folder = Buffer.from(`/proc/self/fd/${fd}`);
  return name === undefined ? folder : Buffer.concat([folder, Buffer.from('/'), name]);
}
