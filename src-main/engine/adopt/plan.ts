import { statSync } from 'node:fs';
import { safeParse } from 'valibot';
import { EngineError, isCancelled, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { ImportPlan, ImportRequest } from '../../contract/adopt.ts';
import { objectName } from '../../contract/ids.ts';
import { allocatedBytes } from '../trash/trash.ts';
import type { AdoptRooms } from './adopt.ts';
import type { ForeignImage, ForeignStore, ForeignVolume } from './foreign-store.ts';
import { openForeignStore } from './open-store.ts';
import { select } from './select.ts';

type PlannedImage = ImportPlan['images'][number];
type PlannedVolume = ImportPlan['volumes'][number];

/** What an import would copy, and what it leaves with the reason. Changes nothing here, reads only there. Errors: those of {@link openForeignStore} and `select`. */
export async function planImport(rooms: AdoptRooms, request: ImportRequest, signal: AbortSignal | undefined): Promise<ImportPlan> {
  const store = openForeignStore(request, rooms.system);
  const selected = select(store, request);
  /** By chain id. */
  const missing = new Map<string, number>();
  const images: PlannedImage[] = [];
  for (const image of selected.images) images.push(await planImage(rooms, image, missing, signal));
  const volumes: PlannedVolume[] = [];
  for (const volume of selected.volumes) volumes.push(await planVolume(rooms, store, volume, signal));
  const volumeBytes = volumes.reduce((sum, { action, sizeBytes }) => sum + (action === 'copy' ? sizeBytes : 0), 0);
  const imageBytes = [...missing.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { from: request.from, root: store.root, images, volumes, copyBytes: imageBytes + volumeBytes };
}

async function planImage(
  { images }: AdoptRooms,
  foreign: ForeignImage,
  missing: Map<string, number>,
  signal: AbortSignal | undefined,
): Promise<PlannedImage> {
  throwIfAborted(signal);
  const known = { id: foreign.id, names: [...foreign.names] };
  try {
    const image = await foreign.open(signal);
    const outlook = images.outlook(image);
    for (const { chainId, sizeBytes } of outlook.missing) missing.set(chainId, sizeBytes);
    return {
      ...known,
      layers: image.layers.length,
      sizeBytes: image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
      action: outlook.isPresent ? 'present' : 'copy',
      reason: outlook.takenNames.map((name) => `${name} is another image here, and stays`).join('; '),
    };
  } catch (error) {
    if (!isEngineError(error) || isCancelled(error)) throw error;
    return { ...known, layers: 0, sizeBytes: 0, action: 'skip', reason: error.message };
  }
}

async function planVolume(
  { volumes, system }: AdoptRooms,
  store: ForeignStore,
  { name, path }: ForeignVolume,
  signal: AbortSignal | undefined,
): Promise<PlannedVolume> {
  throwIfAborted(signal);
  const reason = whyNot(volumes.find(name) !== undefined, store, name, system.identity.uid);
  if (reason !== undefined) return { name, sizeBytes: 0, action: 'skip', reason };
  return { name, sizeBytes: await allocatedBytes(path), action: 'copy', reason: '' };
}

function whyNot(isTaken: boolean, { root }: ForeignStore, name: string, uid: number): string | undefined {
  if (!safeParse(objectName, name).success) return 'its name is none that a volume can have';
  if (isTaken) return 'there is a volume of that name here, and it stays';
  return ownerProblem(root, uid);
}

/** Files of another user's volumes have owners of his namespace, which would be other people here. */
export function ownerProblem(root: string, uid: number): string | undefined {
  const owner = statSync(root, { throwIfNoEntry: false })?.uid;
  return owner === uid
    ? undefined
    : `the store belongs to another user (${String(owner)}), and so the owners of its files mean nothing here`;
}

/** For an order that was not made from a plan. */
export function checkOwner(root: string, uid: number): void {
  const problem = ownerProblem(root, uid);
  if (problem !== undefined) throw new EngineError('denied', problem, { fix: 'import it as that user' });
}
