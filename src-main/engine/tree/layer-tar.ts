import type { Change } from './change.ts';
import type { TreeEntry } from './entry.ts';
import { FolderStack } from './folder.ts';
import { walkTree } from './walk.ts';
import { writeTar } from './write-tar.ts';
import type { TarItem, TarOptions } from './write-tar.ts';

/**
 * What the engine itself has put into a container's tree: a file is made for each that is mounted there. Neither `diff` nor `commit` tells of them;
 * the list is Podman's, whose diff leaves these out too.
 */
const engineMade: ReadonlySet<string> = new Set([
  ...['dev', 'proc', 'run', 'sys', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'etc/mtab'],
  ...['run/.containerenv', 'run/notify', 'run/secrets'],
]);

export function isEngineMade(path: string): boolean {
  return engineMade.has(path);
}

/** Changes as the archive of a layer. */
export function writeLayerTar(changes: Iterable<Change>, options: TarOptions): AsyncGenerator<Buffer<ArrayBuffer>> {
  return writeTar(toItems(changes), options);
}

/** A whole tree, its root first. */
export async function* writeTreeTar(
  root: string,
  options: TarOptions & { readonly leaveOut?: (entry: TreeEntry) => boolean },
): AsyncGenerator<Buffer<ArrayBuffer>> {
  using folders = FolderStack.at(root);
  yield* writeTar(wholeTree(folders, options.leaveOut), options);
}

function* wholeTree(folders: FolderStack, leaveOut: ((entry: TreeEntry) => boolean) | undefined): Generator<TarItem> {
  const stat = folders.stat('');
  if (stat) yield { path: '', stat, location: folders.location('') };
  for (const entry of walkTree(folders)) if (leaveOut?.(entry) !== true) yield entry;
}

function* toItems(changes: Iterable<Change>): Generator<TarItem> {
  for (const change of changes) {
    if (!('entry' in change)) {
      if (change.kind === 'deleted') yield { whiteout: change.path };
      continue;
    }
    const { entry } = change;
    if (change.kind === 'added' && isMountTarget(entry)) continue;
    yield entry;
    if (change.kind === 'remade') yield { opaque: entry.path };
  }
}

/** An empty file where the engine mounts one of its own. */
export function isMountTarget({ path, stat }: TreeEntry): boolean {
  return isEngineMade(path) && stat.isFile() && stat.size === 0n;
}
