import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskUsage } from '../../contract/system.ts';
import type { Digest } from '../../contract/ids.ts';
import type { Rooms } from './rooms.ts';

/** What takes the space: a layer that several images have is `shared` for each of them and counted once in the total. */
export async function diskUsage(rooms: Rooms): Promise<DiskUsage> {
  const { state, snapshots, volumes, images } = rooms;
  const layerBytes = new Map(state.layers.list().map(({ chainId, sizeBytes }) => [chainId, sizeBytes]));
  const holders = new Map<Digest, number>();
  const records = images.list();
  for (const { chainIds } of records) for (const chainId of new Set(chainIds)) holders.set(chainId, (holders.get(chainId) ?? 0) + 1);

  const containers: DiskUsage['containers'] = [];
  for (const record of state.containers.list()) {
    containers.push({
      id: record.id,
      name: record.name,
      image: record.config.imageName,
      command: [...record.config.entrypoint, ...record.config.command].join(' '),
      state: record.state,
      createdAt: record.createdAt,
      sizeBytes: await snapshots.diffBytes(record.id),
    });
  }

  const used = state.containers.list().flatMap(({ config }) => [...new Set(config.mounts.map(({ volumeName }) => volumeName))]);
  const volumeRows: DiskUsage['volumes'] = [];
  for (const { name } of volumes.list()) {
    volumeRows.push({ name, links: used.filter((volume) => volume === name).length, sizeBytes: await allocatedBytes(volumes.path(name)) });
  }

  return {
    images: records.map((record) => {
      const sharedBytes = sum(record.chainIds.filter((id) => (holders.get(id) ?? 0) > 1).map((id) => layerBytes.get(id) ?? 0));
      return {
        id: record.id,
        names: [...record.names],
        createdAt: record.createdAt,
        sizeBytes: record.sizeBytes,
        sharedBytes,
        uniqueBytes: Math.max(0, record.sizeBytes - sharedBytes),
        containers: state.containers.countByImage(record.id),
      };
    }),
    imageBytes: sum([...layerBytes.values()]),
    containers,
    volumes: volumeRows,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Blocks on the disk of a tree, hard links counted once; what vanishes meanwhile counts nothing. */
async function allocatedBytes(root: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const pending = [root];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    try {
      const status = await lstat(path);
      const key = `${status.dev}:${status.ino}`;
      if (status.nlink > 1 && !status.isDirectory()) {
        if (seen.has(key)) continue;
        seen.add(key);
      }
      total += status.blocks * 512;
      if (status.isDirectory()) for await (const entry of await opendir(path)) pending.push(join(path, entry.name));
    } catch {
      continue;
    }
  }
  return total;
}
