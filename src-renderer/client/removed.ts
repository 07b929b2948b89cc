/** What was removed here, by name and kind, and how it is found again in the trash. */
import { isEngineError } from '../../src-main/base/errors.ts';
import type { EngineClient } from '../../src-main/contract/engine.ts';
import type { TrashItem } from '../../src-main/contract/trash.ts';

export interface Removed {
  readonly kind: TrashItem['kind'];
  /** Id of the container or image, name of the volume. */
  readonly object: string;
  /** Of an image those that were taken from it, whether it went with the last of them or not. */
  readonly names: readonly string[];
}

export interface BroughtBack {
  /** Names of what is there again. */
  readonly back: readonly string[];
  /** Names of images that something else has meanwhile; they stay there. */
  readonly takenNames: readonly string[];
  /** Each with why it is not. */
  readonly failed: readonly { readonly removed: Removed; readonly error: unknown }[];
}

const order: Record<Removed['kind'], number> = { image: 0, volume: 1, container: 2 };

/** Images and volumes first, since containers need them. One failure keeps none of the others. */
export async function bringBack(api: EngineClient, removed: readonly Removed[]): Promise<BroughtBack> {
  const back: string[] = [];
  const takenNames: string[] = [];
  const failed: { removed: Removed; error: unknown }[] = [];
  for (const one of removed.toSorted((a, b) => order[a.kind] - order[b.kind])) {
    try {
      const result = await restoreOne(api, one);
      back.push(result.name);
      takenNames.push(...result.takenNames);
    } catch (error) {
      failed.push({ removed: one, error });
    }
  }
  return { back, takenNames, failed };
}

async function restoreOne(api: EngineClient, removed: Removed): Promise<{ readonly name: string; readonly takenNames: readonly string[] }> {
  const { items } = await api.trash.list({});
  // The newest is first: the same object can have been removed, brought back and removed again.
  const entry = items.find(({ kind, object }) => kind === removed.kind && object === removed.object);
  if (removed.kind !== 'image') {
    const { names } = await api.trash.restore({ entry: entry?.id ?? removed.object });
    return { name: names[0] ?? removed.object, takenNames: [] };
  }
  if (entry) await api.trash.restore({ entry: entry.id });
  const takenNames = await giveNames(api, removed);
  return { name: removed.names[0] ?? removed.object.slice(0, 12), takenNames };
}

/** An image that was removed name by name has only the last of them in the trash; one that has others left is not there at all. */
async function giveNames(api: EngineClient, { object, names }: Removed): Promise<readonly string[]> {
  const taken: string[] = [];
  for (const name of names) {
    const holder = await api.image.inspect({ image: name }).catch((error: unknown) => {
      if (isEngineError(error, 'not-found')) return undefined;
      throw error;
    });
    if (!holder) await api.image.tag({ image: object, names: [name] });
    else if (holder.id !== object) taken.push(name);
  }
  return taken;
}
