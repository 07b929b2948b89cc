import type { DiskUsage } from '../../contract/system.ts';
import { layerUsage } from '../image/image.ts';
import type { Rooms } from './rooms.ts';

/**
 * What takes the space: a layer that several images have is `shared` for each of them and counted once in the total. What is reclaimable is what the
 * prune of that kind alone takes: see trash/prune-plan.ts.
 */
export async function diskUsage(rooms: Rooms): Promise<DiskUsage> {
  const { state, snapshots, volumes, images, trash } = rooms;
  const { allocatedBytes } = await import('../trash/trash.ts');
  const usage = layerUsage(state);
  const containers: DiskUsage['containers'] = [];
  for (const record of state.containers.list()) {
    containers.push({
      id: record.id,
      name: record.name,
      image: record.config.imageName,
      command: [...record.config.entrypoint, ...record.config.command].join(' '),
      state: record.state,
      createdAt: record.createdAt,
      sizeBytes: snapshots.exists(record.id) ? await snapshots.diffBytes(record.id) : 0,
      volumes: volumesOf(record.config.mounts).size,
    });
  }

  const used = state.containers.list().flatMap(({ config }) => [...volumesOf(config.mounts)]);
  const volumeRows: DiskUsage['volumes'] = [];
  for (const { name } of volumes.list()) {
    volumeRows.push({ name, links: used.filter((volume) => volume === name).length, sizeBytes: await allocatedBytes(volumes.path(name)) });
  }

  const imageRows: DiskUsage['images'] = images.list().map((record) => ({
    id: record.id,
    names: [...record.names],
    createdAt: record.createdAt,
    sizeBytes: record.sizeBytes,
    ...usage.shares(record),
    containers: state.containers.countByImage(record.id),
  }));
  const unused = imageRows.filter((image) => image.containers === 0).map(({ id }) => id);
  return {
    images: imageRows,
    imageBytes: usage.liveBytes,
    containers,
    volumes: volumeRows,
    reclaimable: {
      imageBytes: usage.freedBy(new Set(unused)),
      containerBytes: sum(containers.filter(({ state: now }) => idle.has(now))),
      volumeBytes: sum(volumeRows.filter(({ links }) => links === 0)),
    },
    trash: await trash.usage(),
  };
}

const idle: ReadonlySet<string> = new Set(['created', 'initialized', 'exited']);

function volumesOf(mounts: readonly { readonly volumeName: string }[]): Set<string> {
  return new Set(mounts.map(({ volumeName }) => volumeName).filter((name) => name !== ''));
}

function sum(items: readonly { readonly sizeBytes: number }[]): number {
  return items.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
