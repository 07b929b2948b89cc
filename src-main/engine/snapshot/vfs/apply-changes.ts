import { chmodSync, closeSync, constants, lchownSync, lstatSync, openSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import type { BigIntStats, Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { FileAttributes } from '../../../system/system.ts';
import { toFs } from './raw-path.ts';

/** How long the event loop may stand still. */
const sliceMs = 8;
const whiteoutPrefix = '.wh.';
const opaqueMark = '.wh..wh..opq';

type Attributes = Pick<FileAttributes, 'getXattr' | 'listXattrs' | 'removeXattr' | 'setTimes' | 'setXattr'>;

/**
 * Applies the changes of a layer (whiteouts as files, as in the archive) to a tree: what is hidden goes, what is there is moved in. The result is
 * what overlay would show. Both folders are nobody else's; neither is entered through a symlink. Afterwards nothing of `changes` is left.
 * Paths are raw.
 */
export class ChangeApplication {
  readonly #attributes: Attributes;
  #sliceEnd = 0;

  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  async apply(changes: string, tree: string): Promise<void> {
    this.#sliceEnd = performance.now() + sliceMs;
    await this.#merge(changes, tree);
  }

  /** Of a layer that lies on nothing: its whiteouts hide nothing. */
  async strip(changes: string): Promise<void> {
    this.#sliceEnd = performance.now() + sliceMs;
    await this.#strip(changes);
  }

  async #merge(changes: string, tree: string): Promise<void> {
    const before = lstatSync(toFs(changes), { bigint: true });
    const names = readdirSync(toFs(changes), { encoding: 'latin1' });
    if (names.includes(opaqueMark)) this.#empty(tree);
    // First what is hidden: a layer may put something else in its place.
    for (const name of names) {
      if (!name.startsWith(whiteoutPrefix)) continue;
      const hidden = name.slice(whiteoutPrefix.length);
      if (name !== opaqueMark && hidden !== '' && hidden !== '.' && hidden !== '..') remove(`${tree}/${hidden}`);
      unlinkSync(toFs(`${changes}/${name}`));
    }
    for (const name of names) {
      if (!name.startsWith(whiteoutPrefix)) await this.#move(`${changes}/${name}`, `${tree}/${name}`);
    }
    this.#likeFolder(changes, before, tree);
    rmdirSync(toFs(changes));
  }

  async #move(from: string, to: string): Promise<void> {
    await this.#breathe();
    const found = lstatSync(toFs(from));
    const there = lstatSync(toFs(to), { throwIfNoEntry: false });
    if (found.isDirectory()) {
      if (there?.isDirectory() === true) {
        await this.#merge(from, to);
        return;
      }
      if (there) unlinkSync(toFs(to));
      await this.#strip(from);
    } else if (there?.isDirectory() === true) remove(to);
    if (isWhiteout(found)) {
      if (there?.isDirectory() === false) unlinkSync(toFs(to));
      unlinkSync(toFs(from));
    } else renameSync(toFs(from), toFs(to));
  }

  async #strip(folder: string): Promise<void> {
    await this.#breathe();
    const before = lstatSync(toFs(folder), { bigint: true });
    let changed = false;
    for (const entry of readdirSync(toFs(folder), { encoding: 'latin1', withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await this.#strip(path);
      else if (entry.name.startsWith(whiteoutPrefix) || (entry.isCharacterDevice() && isWhiteout(lstatSync(toFs(path))))) {
        unlinkSync(toFs(path));
        changed = true;
      }
    }
    if (changed) this.#setTimes(folder, before);
  }

  #empty(folder: string): void {
    for (const name of readdirSync(toFs(folder), { encoding: 'latin1' })) remove(`${folder}/${name}`);
  }

  /** The upper folder is the one that is seen: all that it is, and nothing of the lower one. */
  #likeFolder(from: string, { uid, gid, mode, atimeNs, mtimeNs }: BigIntStats, to: string): void {
    lchownSync(toFs(to), Number(uid), Number(gid));
    chmodSync(toFs(to), Number(mode & 0o7777n));
    withNames(from, to, (source, target) => {
      const wanted = new Set(this.#attributes.listXattrs(source).filter(isOwn));
      for (const name of this.#attributes.listXattrs(target))
        if (isOwn(name) && !wanted.has(name)) this.#attributes.removeXattr(target, name);
      for (const name of wanted) {
        const value = this.#attributes.getXattr(source, name);
        if (value !== undefined) this.#attributes.setXattr(target, name, value);
      }
      this.#attributes.setTimes(target, atimeNs, mtimeNs);
    });
  }

  #setTimes(folder: string, { atimeNs, mtimeNs }: BigIntStats): void {
    withNames(folder, folder, (_, target) => {
      this.#attributes.setTimes(target, atimeNs, mtimeNs);
    });
  }

  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await setImmediate();
    this.#sliceEnd = performance.now() + sliceMs;
  }
}

/** The host's labels are the host's to give. */
function isOwn(name: string): boolean {
  return name !== 'security.selinux';
}

function isWhiteout(found: Stats): boolean {
  return found.isCharacterDevice() && found.rdev === 0;
}

/** Attribute calls take text: of a folder whose name is not UTF-8, and of any other, a descriptor's path with a dot behind it. */
function withNames(from: string, to: string, use: (source: string, target: string) => void): void {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const source = openSync(toFs(from), flags);
  try {
    const target = openSync(toFs(to), flags);
    try {
      use(`/proc/self/fd/${String(source)}/.`, `/proc/self/fd/${String(target)}/.`);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Whatever is there, with all below it; nothing there is no error. node:fs's own takes text only. */
function remove(path: string): void {
  const found = lstatSync(toFs(path), { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) {
    unlinkSync(toFs(path));
    return;
  }
  for (const name of readdirSync(toFs(path), { encoding: 'latin1' })) remove(`${path}/${name}`);
  rmdirSync(toFs(path));
}
