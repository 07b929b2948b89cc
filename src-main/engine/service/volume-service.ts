import type { EngineHandlers } from '../../contract/engine.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { VolumeSummary } from '../../contract/volume.ts';
import { EngineError } from '../../base/errors.ts';
import type { VolumeRecord } from '../state/state.ts';
import { removing, type Rooms } from './rooms.ts';

export function volumeHandlers(rooms: Rooms): EngineHandlers['volume'] {
  const { volumes } = rooms;
  return {
    list: () => volumes.list().map((record) => toSummary(rooms, record)),
    inspect: ({ volume }) => toSummary(rooms, resolve(rooms, volume)),
    async create({ name, labels }) {
      const record = name === undefined ? await volumes.ensure('', { labels, anonymous: true }) : await volumes.create(name, labels);
      return toSummary(rooms, record);
    },
    async remove({ volume, force, timeoutSeconds, trash: wanted }) {
      const { name } = resolve(rooms, volume);
      await removing(rooms, wanted, async (trash) => {
        if (force)
          for (const id of usersOf(rooms, name)) await rooms.containers.remove(id, { force, volumes: false, timeoutSeconds, trash });
        await volumes.remove(name, { trash });
      });
      return { name };
    },
  };
}

/** By name, or by an unambiguous beginning of one, as Podman does. */
function resolve({ volumes }: Rooms, name: string): VolumeRecord {
  const exact = volumes.find(name);
  if (exact) return exact;
  const matches = volumes.list().filter((record) => record.name.startsWith(name));
  const [first] = matches;
  if (!first)
    throw new EngineError('not-found', `no volume with name "${name}" found: no such volume`, {
      fix: '`selkie volume ls` lists the volumes that there are',
    });
  if (matches.length > 1) {
    const candidates = matches.map((record) => record.name);
    throw new EngineError('ambiguous', `"${name}" is the beginning of more than one volume's name: ${candidates.join(', ')}`, {
      details: { candidates },
    });
  }
  return first;
}

function usersOf({ state }: Rooms, volume: string): ContainerId[] {
  const containers = state.containers.list();
  return containers.filter(({ config }) => config.mounts.some(({ volumeName }) => volumeName === volume)).map(({ id }) => id);
}

function toSummary(rooms: Rooms, record: VolumeRecord): VolumeSummary {
  return {
    name: record.name,
    driver: 'local',
    mountpoint: rooms.volumes.path(record.name),
    createdAt: record.createdAt,
    labels: { ...record.labels },
    options: {},
    anonymous: record.anonymous,
    usedBy: usersOf(rooms, record.name),
  };
}
