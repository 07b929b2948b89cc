import type { ImageId } from '../../contract/ids.ts';
import type { PrunePlan, PruneRequest } from '../../contract/trash.ts';
import type { Containers } from '../container/container.ts';
import { layerUsage } from '../image/image.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { ContainerRecord, ImageRecord, State, VolumeRecord } from '../state/state.ts';
import type { VolumeStore } from '../volume/volume.ts';
import { allocatedBytes, changedAt } from './measure.ts';

export interface PruneRoom {
  readonly state: State;
  readonly snapshots: SnapshotStore;
  readonly volumes: VolumeStore;
  readonly containers: Containers;
}

/** What would be taken, and what it takes. Changes nothing. */
export async function planPrune(room: PruneRoom, request: PruneRequest): Promise<PrunePlan> {
  const fits = compile(request);
  const containers = request.containers ? await idleContainers(room, fits) : [];
  const gone = new Set(containers.map(({ id }) => id));
  const left = room.state.containers.list().filter(({ id }) => !gone.has(id));
  const volumes = request.volumes ? room.volumes.list().filter((volume) => fits(volume)) : [];
  const images = candidates(room, request, fits);
  const usedVolumes = volumes.filter(({ name }) => left.some((container) => mounts(container, name)));
  const usedImages = images.filter(({ id }) => left.some(({ imageId }) => imageId === id));
  const plannedImages = images.filter((image) => !usedImages.includes(image));
  const usage = layerUsage(room.state);
  const lastUses = plannedImages.length > 0 ? containerEvents(room.state) : new Map<string, number>();

  const plan = {
    containers: await Promise.all(containers.map((record) => plannedContainer(room, record))),
    volumes: await Promise.all(
      volumes.filter((volume) => !usedVolumes.includes(volume)).map((volume) => plannedVolume(room, volume, containers)),
    ),
    images: plannedImages.map((image) => ({
      id: image.id,
      names: [...image.names],
      uniqueBytes: usage.freedBy(
        new Set([image.id]),
        new Set(containers.filter(({ imageId }) => imageId === image.id).map(({ id }) => id)),
      ),
      lastUsedAt: Math.max(image.storedAt, lastUses.get(image.id) ?? 0, ...image.names.map((name) => lastUses.get(name) ?? 0)),
      usedBy: containers.filter(({ imageId }) => imageId === image.id).map(({ name }) => name),
    })),
  };
  const bytes = (items: readonly { readonly sizeBytes: number }[]): number => items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const ids: ReadonlySet<ImageId> = new Set(plannedImages.map(({ id }) => id));
  return {
    ...plan,
    totalBytes: bytes(plan.containers) + bytes(plan.volumes) + (ids.size > 0 ? usage.freedBy(ids, gone) : 0),
    kept: [
      ...usedVolumes.map(({ name }) => ({
        kind: 'volume' as const,
        object: name,
        name,
        usedBy: namesOf(left.filter((one) => mounts(one, name))),
      })),
      ...usedImages.map(({ id, names }) => ({
        kind: 'image' as const,
        object: id,
        name: names[0] ?? '',
        usedBy: namesOf(left.filter(({ imageId }) => imageId === id)),
      })),
    ],
  };
}

interface Candidate {
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
}

function compile({ untilMs, labels, notLabels }: PruneRequest): (candidate: Candidate) => boolean {
  return (candidate) =>
    (untilMs === undefined || candidate.createdAt < untilMs) &&
    labels.every((label) => hasLabel(candidate, label)) &&
    !notLabels.some((label) => hasLabel(candidate, label));
}

function hasLabel({ labels }: Candidate, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}

/** As they are now: one that is marked as running may have ended. */
async function idleContainers({ containers, state }: PruneRoom, fits: (candidate: Candidate) => boolean): Promise<ContainerRecord[]> {
  const summaries = await containers.list({ all: true, filters: [], size: false, last: undefined });
  return summaries
    .filter((one) => ['created', 'initialized', 'exited'].includes(one.state) && fits({ createdAt: one.createdAt, labels: one.labels }))
    .flatMap(({ id }) => state.containers.find(id) ?? []);
}

function candidates({ state }: PruneRoom, { images }: PruneRequest, fits: (candidate: Candidate) => boolean): ImageRecord[] {
  if (images === 'none') return [];
  return state.images.listOwn().filter((image) => (images === 'unused' || image.names.length === 0) && fits(image));
}

async function plannedContainer({ snapshots }: PruneRoom, record: ContainerRecord): Promise<PrunePlan['containers'][number]> {
  return {
    id: record.id,
    name: record.name,
    image: record.config.imageName,
    state: record.state,
    sizeBytes: snapshots.exists(record.id) ? await snapshots.diffBytes(record.id) : 0,
    lastUsedAt: record.finishedAt ?? record.startedAt ?? record.createdAt,
  };
}

async function plannedVolume(
  { volumes }: PruneRoom,
  { name, createdAt }: VolumeRecord,
  planned: readonly ContainerRecord[],
): Promise<PrunePlan['volumes'][number]> {
  const path = volumes.path(name);
  return {
    name,
    sizeBytes: await allocatedBytes(path),
    lastUsedAt: Math.max(createdAt, changedAt(path)),
    usedBy: namesOf(planned.filter((container) => mounts(container, name))),
  };
}

function mounts({ config }: ContainerRecord, volume: string): boolean {
  return config.mounts.some(({ volumeName }) => volumeName === volume);
}

function namesOf(containers: readonly ContainerRecord[]): string[] {
  return containers.map(({ name }) => name);
}

/** Name or id of an image → when a container of it last did something, as far back as events are kept. */
function containerEvents(state: State): Map<string, number> {
  const found = new Map<string, number>();
  for (let after = 0; ; ) {
    const events = state.events.after(after);
    for (const { type, image, timestampMs } of events) if (type === 'container' && image !== undefined) found.set(image, timestampMs);
    const last = events.at(-1);
    if (!last) return found;
    after = last.sequence;
  }
}
