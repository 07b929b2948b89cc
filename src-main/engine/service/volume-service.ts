import type { EngineHandlers } from '../../contract/engine.ts';
import type { VolumeSummary } from '../../contract/volume.ts';
import { EngineError } from '../../base/errors.ts';
import type { VolumeRecord } from '../state/state.ts';
import type { Rooms } from './rooms.ts';

export function volumeHandlers(rooms: Rooms): EngineHandlers['volume'] {
  const { volumes } = rooms;
  return {
    list: () => volumes.list().map((record) => toSummary(rooms, record)),
    inspect: ({ volume }) => toSummary(rooms, resolve(rooms, volume)),
    async create({ name, labels }) {
      const record = name === undefined ? await volumes.ensure('', { labels, anonymous: true }) : await volumes.create(name, labels);
      return toSummary(rooms, record);
    },
    async remove({ volume }) {
      const { name } = resolve(rooms, volume);
      await volumes.remove(name);
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

function toSummary({ state, volumes }: Rooms, record: VolumeRecord): VolumeSummary {
  const usedBy = state.containers.list().filter(({ config }) => config.mounts.some(({ volumeName }) => volumeName === record.name));
  return {
    name: record.name,
    driver: 'local',
    mountpoint: volumes.path(record.name),
    createdAt: record.createdAt,
    labels: { ...record.labels },
    options: {},
    anonymous: record.anonymous,
    usedBy: usedBy.map(({ id }) => id),
  };
}
