import { isCancelled, isEngineError, messageOf, throwIfAborted } from '../../base/errors.ts';
import type { ContainerId, ImageId } from '../../contract/ids.ts';
import type { PruneDone, PruneOrder } from '../../contract/trash.ts';
import { type ImageStore, layerUsage } from '../image/image.ts';
import { allocatedBytes } from './measure.ts';
import type { PruneRoom } from './prune-plan.ts';

/** Containers first, since volumes and images may be free without them. Each that cannot go is told, and the rest goes on. */
export async function pruneByPlan(
  room: PruneRoom & { readonly images: ImageStore },
  order: PruneOrder,
  signal?: AbortSignal,
): Promise<PruneDone> {
  const { containers, images, volumes, snapshots, state } = room;
  const { trash } = order;
  const done = { containers: [] as string[], volumes: [] as string[], images: [] as string[] };
  const skipped: PruneDone['skipped'] = [];
  let reclaimedBytes = 0;

  async function take(kind: keyof typeof done, object: string, bytes: number, remove: () => Promise<unknown>): Promise<void> {
    throwIfAborted(signal);
    try {
      await remove();
      done[kind].push(object);
      reclaimedBytes += bytes;
    } catch (error) {
      if (isCancelled(error) || !isEngineError(error)) throw error;
      // Somebody else has removed it: nothing to tell.
      if (error.code !== 'not-found') skipped.push({ object, message: messageOf(error) });
    }
  }

  const usage = layerUsage(state);
  for (const id of order.containers) {
    const bytes = snapshots.exists(id) ? await snapshots.diffBytes(id) : 0;
    await take('containers', id, bytes, () => containers.remove(id, { force: false, volumes: false, timeoutSeconds: undefined, trash }));
  }
  for (const name of order.volumes)
    await take('volumes', name, await allocatedBytes(volumes.path(name)), () => volumes.remove(name, { trash }));
  for (const { id, names } of order.images)
    await take('images', id, 0, () => images.remove(id, { force: true, trash, expectedNames: names }));
  const gone = { images: new Set(done.images as ImageId[]), containers: new Set(done.containers as ContainerId[]) };
  reclaimedBytes += usage.freedBy(gone.images, gone.containers);
  return { ...done, reclaimedBytes, skipped };
}
