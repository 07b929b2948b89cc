import type { ContainerSummary } from '../../contract/container.ts';
import type { ContainerRecord } from '../state/state.ts';
import { exitedChange, findExit } from './exit.ts';
import type { Room } from './room.ts';

/** What lists show of a record. */
export function toSummary(record: ContainerRecord): ContainerSummary {
  const { config } = record;
  return {
    id: record.id,
    name: record.name,
    imageName: config.imageName,
    imageId: record.imageId,
    command: [...config.entrypoint, ...config.command],
    state: record.state,
    createdAt: record.createdAt,
    ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
    ...(record.finishedAt === undefined ? {} : { finishedAt: record.finishedAt }),
    ...(record.exitCode === undefined ? {} : { exitCode: record.exitCode }),
    pid: record.pid,
    ports: [...config.ports],
    networkMode: config.networkMode,
    mounts: config.mounts.map((mount) => mount.target),
    labels: labelsOf(record),
    restartPolicy: config.spec.restartPolicy.name,
    restartCount: record.restartCount,
    removeOnExit: config.spec.remove,
    error: record.error,
  };
}

/** The image's labels, under the container's own. */
export function labelsOf(record: ContainerRecord): Record<string, string> {
  return { ...record.config.imageConfig.labels, ...record.config.spec.labels };
}

/** The record as it is in truth: an end that nobody has handled yet shows as such. */
export function asOfNow(room: Room, record: ContainerRecord): ContainerRecord {
  const found = findExit(room, record);
  return found ? { ...record, ...exitedChange(found) } : record;
}
