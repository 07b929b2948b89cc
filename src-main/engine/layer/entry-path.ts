/** Paths of an archive, made relative to the layer's root by text alone; what they mean on disk is the tree's business. */
import { corrupt } from './tar-header.ts';
import { isByteName, showName, toFsPath } from './byte-name.ts';

/** NAME_MAX of every file system that overlay accepts. */
const maxNameBytes = 255;
/** PATH_MAX less what the store's own folders need. */
const maxPathBytes = 3800;

/**
 * `a/b` for `/a//./b/`, `` for the root itself. `a/../b` is `b`, as in the tools that write such archives; a path that leaves the
 * root is `corrupt`: no honest tool writes it.
 */
export function cleanPath(raw: string): string {
  if (isClean(raw)) return checkLengths(raw);
  const parts: string[] = [];
  for (const part of raw.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw corrupt(`${showName(raw)} leaves the layer`);
  }
  return checkLengths(parts.join('/'));
}

/** The usual case, told without taking it apart. */
function isClean(path: string): boolean {
  return path !== '' && !/^\/|\/$|\/\/|(?:^|\/)\.\.?(?:\/|$)|\0/.test(path);
}

function checkLengths(path: string): string {
  if (path.includes('\0')) throw corrupt(`${showName(path)} contains NUL`);
  // No UTF-16 unit is more than 3 bytes of UTF-8.
  if (path.length * 3 <= maxNameBytes) return path;
  if (byteLength(path) > maxPathBytes || path.split('/').some((part) => byteLength(part) > maxNameBytes))
    throw corrupt(`the name ${showName(path)} is longer than a file system allows`);
  return path;
}

function byteLength(name: string): number {
  return isByteName(name) ? toFsPath(name).length : Buffer.byteLength(name);
}

export interface SplitPath {
  readonly parent: string;
  readonly name: string;
}

export function splitPath(path: string): SplitPath {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? { parent: '', name: path } : { parent: path.slice(0, slash), name: path.slice(slash + 1) };
}

export type Whiteout = { readonly kind: 'none' | 'opaque' | 'ignored' } | { readonly kind: 'hides'; readonly name: string };

const prefix = '.wh.';

/** OCI image-spec layer.md, "Whiteouts". What AUFS kept for itself (`.wh..wh.plnk` …) is ignored, as everywhere. */
export function whiteoutOf(path: string): Whiteout {
  if (!path.includes(prefix)) return { kind: 'none' };
  const { parent, name } = splitPath(path);
  const parents = parent.split('/');
  if (parents.some((part) => part.startsWith('.wh..wh.'))) return { kind: 'ignored' };
  if (parents.some((part) => part.startsWith(prefix))) throw corrupt(`${showName(path)} is below a whiteout`);
  if (!name.startsWith(prefix)) return { kind: 'none' };
  if (name === '.wh..wh..opq') return { kind: 'opaque' };
  if (name.startsWith('.wh..wh.')) return { kind: 'ignored' };
  const hidden = name.slice(prefix.length);
  if (hidden === '' || hidden === '.' || hidden === '..') throw corrupt(`${showName(path)} is a whiteout of nothing`);
  return { kind: 'hides', name: hidden };
}
