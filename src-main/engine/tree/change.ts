import type { TreeEntry } from './entry.ts';
import type { ByteString } from './folder.ts';

/**
 * One difference.
 * - `added`, `changed`: with the thing as it is now
 * - `deleted`: with it all that was in it
 * - `remade`: a folder that hides what was there of its name; all in it is added
 * - `within`: a folder that is as it was, and in which something has changed: an archive has to tell what it is like. Told before what is in it.
 * - `touched`: of a folder that was told as `within`: its list of names has changed
 * - `linked`: a file that is as it was and has a further name that is new: an archive has to have it, or the names would part
 */
export type Change =
  | { readonly kind: 'added' | 'changed' | 'remade' | 'within' | 'linked'; readonly entry: TreeEntry }
  | { readonly kind: 'deleted' | 'touched'; readonly path: ByteString };

/** Well below the number of levels that FolderStack keeps open. */
const deep = 100;

/**
 * Folders of which nothing was told yet come before the first thing that is told of what is in them.
 */
export class OpenFolders {
  readonly #folders: { readonly entry: TreeEntry; told: 'no' | 'within' | 'changed' }[] = [];

  /** Whether a folder that is entered now is told of in any case: later it might no longer be open. */
  get isDeep(): boolean {
    return this.#folders.length >= deep;
  }

  /** @param told whether the folder was told of as changed, added or remade */
  enter(entry: TreeEntry, told: boolean): void {
    this.#folders.push({ entry, told: told ? 'changed' : this.isDeep ? 'within' : 'no' });
  }

  leave(): void {
    this.#folders.pop();
  }

  /** What has to be told before a change. `names`: it is one of names: something came or went. */
  *before(names: boolean): Generator<Change> {
    for (const folder of this.#folders) {
      if (folder.told === 'no') {
        yield { kind: names ? 'changed' : 'within', entry: folder.entry };
        folder.told = names ? 'changed' : 'within';
      } else if (names && folder.told === 'within') {
        yield { kind: 'touched', path: folder.entry.path };
        folder.told = 'changed';
      }
    }
  }
}
