import { lstatSync, mkdirSync, readlinkSync, unlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { corrupt } from './tar-header.ts';
import type { TarEntry } from './tar-entry.ts';
import { decodeName, showName, toFsPath } from './byte-name.ts';

/** As the kernel: more symlinks than that in one path are a loop. */
const maxSymlinks = 40;

/** A directory that exists in the diff directory and is known not to be a symlink. */
export interface DirectoryNode {
  readonly parent: DirectoryNode | undefined;
  /** Relative to the root; empty for the root. */
  readonly path: string;
  children: Map<string, DirectoryNode> | undefined;
  /** What the archive last said about it; undefined when it is only implied by what is below. */
  entry: TarEntry | undefined;
}

/**
 * The directories of a layer being unpacked, as they are on disk. Nobody else writes there, so what was once made or seen as a directory stays one until
 * this class removes it; so each is looked at once, and no path is handed to the kernel with a component that could be a symlink.
 */
export class DiffTree {
  readonly root: DirectoryNode = { parent: undefined, path: '', children: undefined, entry: undefined };
  readonly #rootPath: string;
  readonly #onWhiteoutReplaced: (directory: DirectoryNode) => void;
  readonly #moveAway: (path: string, absolute: string) => void;
  #lastPath = '';
  #lastNode: DirectoryNode = this.root;

  /**
   * @param onWhiteoutReplaced is told of directories made where the same layer had hidden something
   * @param moveAway takes what has content out of the tree: a file, or a directory with all below it
   */
  constructor(
    rootPath: string,
    onWhiteoutReplaced: (directory: DirectoryNode) => void,
    moveAway: (path: string, absolute: string) => void,
  ) {
    this.#rootPath = rootPath;
    this.#onWhiteoutReplaced = onWhiteoutReplaced;
    this.#moveAway = moveAway;
  }

  /** Relative to the root; no component of it is a symlink. */
  relative(directory: DirectoryNode, name: string): string {
    return directory.path === '' ? name : `${directory.path}/${name}`;
  }

  absolute(directory: DirectoryNode, name: string): string {
    return directory.path === '' ? `${this.#rootPath}/${name}` : `${this.#rootPath}/${directory.path}/${name}`;
  }

  absoluteDirectory(directory: DirectoryNode): string {
    return directory.path === '' ? this.#rootPath : `${this.#rootPath}/${directory.path}`;
  }

  /** The directory that a clean path names, symlinks of this layer followed within the root; missing ones are made with mode 0755. */
  ensure(path: string): DirectoryNode {
    if (path === this.#lastPath) return this.#lastNode;
    const node = this.#walk(path, true);
    if (!node) throw corrupt(`${showName(path)} cannot be made`);
    this.#lastPath = path;
    this.#lastNode = node;
    return node;
  }

  /** The same, making nothing. */
  find(path: string): DirectoryNode | undefined {
    return path === this.#lastPath ? this.#lastNode : this.#walk(path, false);
  }

  /** Makes a directory for an entry of the archive, in place of whatever else has its name. */
  makeDirectory(parent: DirectoryNode, name: string): DirectoryNode {
    const known = parent.children?.get(name);
    if (known) return known;
    const path = this.absolute(parent, name);
    try {
      mkdirSync(toFsPath(path), 0o700);
      return this.#adopt(parent, name);
    } catch (error) {
      if (!isExists(error)) throw error;
    }
    const found = lstatSync(toFsPath(path));
    if (!found.isDirectory()) this.remove(parent, name, found);
    if (!found.isDirectory()) mkdirSync(toFsPath(path), 0o700);
    const node = this.#adopt(parent, name);
    if (isWhiteout(found)) this.#onWhiteoutReplaced(node);
    return node;
  }

  /** Whatever is there, with all below it. */
  remove(parent: DirectoryNode, name: string, found: Stats): void {
    const path = this.absolute(parent, name);
    if (found.isDirectory()) {
      this.#moveAway(this.relative(parent, name), path);
      parent.children?.delete(name);
    } else if (found.isFile() && found.size > 0) this.#moveAway(this.relative(parent, name), path);
    else unlinkSync(toFsPath(path));
    // What was remembered may have led through it.
    this.#lastPath = '';
    this.#lastNode = this.root;
  }

  /** Every directory, those below first. */
  *bottomUp(node: DirectoryNode = this.root): Generator<DirectoryNode> {
    // Not recursive: a hostile archive nests thousands deep, and generators delegate through all levels.
    const order: DirectoryNode[] = [];
    const pending = [node];
    for (let next = pending.pop(); next; next = pending.pop()) {
      order.push(next);
      if (next.children) pending.push(...next.children.values());
    }
    for (let index = order.length - 1; index >= 0; index -= 1) {
      const next = order[index];
      if (next) yield next;
    }
  }

  #walk(path: string, make: boolean): DirectoryNode | undefined {
    const pending = path === '' ? [] : path.split('/').reverse();
    let node = this.root;
    let symlinks = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        // Only a symlink's target has it here. The root's parent is the root, as in a chroot.
        node = node.parent ?? node;
        continue;
      }
      const next = node.children?.get(name) ?? this.#step(node, name, make);
      if (next === undefined) return undefined;
      if (typeof next !== 'string') {
        node = next;
        continue;
      }
      symlinks += 1;
      if (symlinks > maxSymlinks) throw corrupt(`${showName(path)} leads through too many symlinks`);
      if (next.startsWith('/')) node = this.root;
      pending.push(...next.split('/').reverse());
    }
    return node;
  }

  /** One component that is not known yet: a directory, a symlink's target, or undefined when there is nothing and nothing is to be made. */
  #step(parent: DirectoryNode, name: string, make: boolean): DirectoryNode | string | undefined {
    const path = this.absolute(parent, name);
    const found = lstatSync(toFsPath(path), { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return this.#adopt(parent, name);
    if (found?.isSymbolicLink() === true) return decodeName(readlinkSync(toFsPath(path), { encoding: 'buffer' }));
    if (!make) return undefined;
    if (found && !isWhiteout(found)) throw corrupt(`${showName(this.relative(parent, name))} is not a directory`);
    if (found) this.remove(parent, name, found);
    mkdirSync(toFsPath(path), 0o755);
    const node = this.#adopt(parent, name);
    if (found) this.#onWhiteoutReplaced(node);
    return node;
  }

  #adopt(parent: DirectoryNode, name: string): DirectoryNode {
    const node: DirectoryNode = {
      parent,
      path: this.relative(parent, name),
      children: undefined,
      entry: undefined,
    };
    parent.children ??= new Map();
    parent.children.set(name, node);
    return node;
  }
}

export function isWhiteout(found: Stats): boolean {
  return found.isCharacterDevice() && found.rdev === 0;
}

function isExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
