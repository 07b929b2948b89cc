import { EngineError, isCancelled, isEngineError } from '../../base/errors.ts';
import type { ImportDone, ImportOrder } from '../../contract/adopt.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { AdoptRooms } from './adopt.ts';
import type { ForeignStore } from './foreign-store.ts';
import { openForeignStore } from './open-store.ts';
import { checkOwner } from './plan.ts';

interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (progress: TransferProgress) => void;
  readonly onDone: (done: ImportDone) => void;
}

/**
 * Copies what an order names, one after the other, each whole or not at all; what fails is told, and the next one is tried. A full disk and a cancellation end
 * it: what was done before stays.
 */
export async function importFrom(rooms: AdoptRooms, order: ImportOrder, options: ImportOptions): Promise<void> {
  const store = openForeignStore(order, rooms.system);
  for (const id of order.images) await attempt(id.slice(0, 12), options, () => importImage(rooms, store, id, options));
  for (const name of order.volumes) await attempt(name, options, () => importVolume(rooms, store, name, options));
}

async function attempt(object: string, { onDone }: ImportOptions, work: () => Promise<ImportDone>): Promise<void> {
  try {
    onDone(await work());
  } catch (error) {
    if (!isEngineError(error) || isCancelled(error) || error.code === 'disk-full') throw error;
    onDone({ kind: 'failed', object, code: error.code, message: error.message, fix: error.fix ?? '' });
  }
}

async function importImage({ images }: AdoptRooms, store: ForeignStore, id: string, options: ImportOptions): Promise<ImportDone> {
  const found = store.images.find((image) => image.id === id);
  if (!found) throw new EngineError('not-found', `${store.root} has no image ${id.slice(0, 12)}`);
  const name = found.names[0] ?? id.slice(0, 12);
  try {
    const image = await found.open(options.signal);
    const { isPresent } = images.outlook(image);
    const record = await images.adopt(image, options);
    return { kind: 'image', id: record.id, names: [...record.names], wasPresent: isPresent };
  } catch (error) {
    throw isEngineError(error) ? error.within(`image ${name}`) : error;
  }
}

async function importVolume(
  { volumes, system }: AdoptRooms,
  store: ForeignStore,
  name: string,
  options: ImportOptions,
): Promise<ImportDone> {
  const found = store.volumes.find((volume) => volume.name === name);
  if (!found) throw new EngineError('not-found', `${store.root} has no volume ${JSON.stringify(name)}`);
  checkOwner(store.root, system.identity.uid);
  await volumes.adopt(name, found.path, options.signal);
  return { kind: 'volume', name };
}
