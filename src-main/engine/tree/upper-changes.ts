import { throwIfAborted } from '../../base/errors.ts';
import type { Change } from './change.ts';
import { OpenFolders } from './change.ts';
import type { TreeEntry } from './entry.ts';
import { hasEqualContent, hasEqualMetadata } from './equal.ts';
import { FolderStack, fromText } from './folder.ts';
import type { ByteString } from './folder.ts';
import { findLower, isOpaque, isWhiteout } from './lower-layers.ts';
import type { LowerEntry, LowerFolder, OverlayMarks } from './lower-layers.ts';

export interface UpperLayer extends OverlayMarks {
  readonly upper: string;
  readonly lower: readonly string[];
  readonly markFiles: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** Of an upper folder that overlay writes into: only what is there is looked at, however large the image is. */
export function* upperChanges(layer: UpperLayer): Generator<Change> {
  using folders = FolderStack.at(layer.upper);
  const walk = new UpperWalk(layer, folders, linkedFiles(layer));
  yield* walk.run();
}

type Difference = 'added' | 'changed' | 'remade' | 'deleted' | 'none';

interface Seen {
  readonly difference: Difference;
  readonly entry: TreeEntry;
  readonly below: LowerFolder;
}

class UpperWalk {
  readonly #layer: UpperLayer;
  readonly #folders: FolderStack;
  readonly #linked: ReadonlySet<string>;
  readonly #open = new OpenFolders();

  constructor(layer: UpperLayer, folders: FolderStack, linked: ReadonlySet<string>) {
    this.#layer = layer;
    this.#folders = folders;
    this.#linked = linked;
  }

  *run(): Generator<Change> {
    yield* this.#root();
    for (const seen of everything(this.#layer, this.#folders, this.#open)) yield* this.#tell(seen);
  }

  *#tell({ difference, entry }: Seen): Generator<Change> {
    const isFolder = entry.stat.isDirectory();
    if (difference === 'none') {
      if (!isFolder && entry.stat.nlink > 1n && this.#linked.has(linkKey(entry))) {
        yield* this.#open.before(false);
        yield { kind: 'linked', entry };
      } else if (isFolder && this.#open.isDeep) {
        yield* this.#open.before(false);
        yield { kind: 'within', entry };
      }
      return;
    }
    yield* this.#open.before(difference !== 'changed');
    yield difference === 'deleted' ? { kind: 'deleted', path: entry.path } : { kind: difference, entry };
  }

  *#root(): Generator<Change> {
    const layer = this.#layer;
    const stat = this.#folders.stat('');
    const below = layer.lower[0] === undefined ? undefined : findLower(layer, [fromText(layer.lower[0])], '', '.');
    if (!stat) return;
    const entry = { path: '', stat, location: this.#folders.location('') };
    // When it was last changed says nothing: each container gets a new one.
    if (!below || !hasEqualMetadata(entry, below, layer.attributes, false)) yield { kind: 'changed', entry };
  }
}

/** Everything that is in the upper folder, and how it differs; `open` is told of the folders on the way. */
function* everything(
  layer: UpperLayer,
  folders: FolderStack,
  open: OpenFolders,
  isWanted: (stat: TreeEntry['stat']) => boolean = () => true,
): Generator<Seen> {
  const marks = new Set(layer.markFiles);
  const levels: { readonly path: ByteString; readonly names: ByteString[]; readonly below: LowerFolder }[] = [
    { path: '', names: folders.names().reverse(), below: isOpaque(layer, folders.location('')) ? [] : layer.lower.map(fromText) },
  ];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) {
      levels.pop();
      if (levels.length > 0) {
        folders.leave();
        open.leave();
      }
      continue;
    }
    if (marks.has(name)) continue;
    throwIfAborted(layer.signal);
    const stat = folders.stat(name);
    if (!stat || !isWanted(stat)) continue;
    const path = level.path === '' ? name : `${level.path}/${name}`;
    const seen = look(layer, { path, stat, location: folders.location(name) }, level.below, name);
    yield seen;
    if (!stat.isDirectory() || !folders.enter(name)) continue;
    open.enter(seen.entry, seen.difference !== 'none');
    levels.push({ path, names: folders.names().reverse(), below: seen.below });
  }
}

function look(layer: UpperLayer, found: TreeEntry, folder: LowerFolder, name: ByteString): Seen {
  const lower = findLower(layer, folder, found.path, name);
  if (isWhiteout(layer, found.stat, found.location)) return { difference: lower ? 'deleted' : 'none', entry: found, below: [] };
  const entry = lower && hasMetadataOnly(layer, found) ? { ...found, content: lower.location } : found;
  if (!lower) return { difference: 'added', entry, below: [] };
  if (!entry.stat.isDirectory()) return { difference: isUnchanged(layer, entry, lower) ? 'none' : 'changed', entry, below: [] };
  if (isOpaque(layer, entry.location)) return { difference: 'remade', entry, below: [] };
  return { difference: hasEqualMetadata(entry, lower, layer.attributes) ? 'none' : 'changed', entry, below: lower.folders };
}

function isUnchanged(layer: UpperLayer, entry: TreeEntry, lower: LowerEntry): boolean {
  if (!hasEqualMetadata(entry, lower, layer.attributes)) return false;
  return !entry.stat.isFile() || entry.content !== undefined || hasEqualContent(entry, lower, () => throwIfAborted(layer.signal));
}

/** Overlay's metacopy: the content is still the lower one's. */
function hasMetadataOnly({ attributes }: UpperLayer, { stat, location }: TreeEntry): boolean {
  return stat.isFile() && attributes.listXattrs(location).some((name) => /^(?:trusted|user)\.overlay\.metacopy$/.test(name));
}

/** Files of which one name is as it was and another is new. */
function linkedFiles(layer: UpperLayer): ReadonlySet<string> {
  using folders = FolderStack.at(layer.upper);
  const kinds = new Map<string, Set<Difference>>();
  const mayBeLinked = (stat: TreeEntry['stat']): boolean => stat.isDirectory() || stat.nlink > 1n;
  for (const { difference, entry } of everything(layer, folders, new OpenFolders(), mayBeLinked)) {
    if (entry.stat.isDirectory()) continue;
    const key = linkKey(entry);
    kinds.set(key, (kinds.get(key) ?? new Set()).add(difference));
  }
  return new Set([...kinds].filter(([, found]) => found.has('none') && found.size > 1).map(([key]) => key));
}

function linkKey({ stat }: TreeEntry): string {
  return `${String(stat.dev)}:${String(stat.ino)}`;
}
