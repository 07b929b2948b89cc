import type { TreeEntry } from './entry.ts';
import type { FolderStack } from './folder.ts';

/** Everything below the root, a folder before what is in it, names in the order of their bytes. What vanishes meanwhile is left out. */
export function* walkTree(folders: FolderStack): Generator<TreeEntry> {
  const pending: { readonly path: string; readonly names: string[] }[] = [{ path: '', names: folders.names().reverse() }];
  for (let level = pending.at(-1); level; level = pending.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) {
      pending.pop();
      if (pending.length > 0) folders.leave();
      continue;
    }
    const stat = folders.stat(name);
    if (!stat) continue;
    const path = level.path === '' ? name : `${level.path}/${name}`;
    yield { path, stat, location: folders.location(name) };
    if (stat.isDirectory() && folders.enter(name)) pending.push({ path, names: folders.names().reverse() });
  }
}
