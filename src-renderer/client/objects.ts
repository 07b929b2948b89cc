/** The objects that several pages show: containers, images, and what running containers use. */
import type { ContainerDelta, ContainerSummary } from '../../src-main/contract/container.ts';
import type { ImageSummary } from '../../src-main/contract/image.ts';
import { liveStore } from './live.ts';
import { useStore } from './store.ts';

export interface ContainerSet {
  readonly sequence: number;
  readonly byId: ReadonlyMap<string, ContainerSummary>;
}

const noContainers: ContainerSet = { sequence: -1, byId: new Map() };

/** A sequence number that goes back means that something was lost: only a new snapshot helps. */
export function foldContainers(set: ContainerSet, deltas: readonly ContainerDelta[]): ContainerSet | 'restart' {
  let { sequence } = set;
  let byId = new Map(set.byId);
  for (const delta of deltas) {
    if (delta.kind === 'snapshot') byId = new Map(delta.containers.map((container) => [container.id, container]));
    else if (delta.sequence < sequence) return 'restart';
    else if (delta.kind === 'changed') byId.set(delta.container.id, delta.container);
    else byId.delete(delta.id);
    sequence = delta.sequence;
  }
  return { sequence, byId };
}

export const containersStore = liveStore<ContainerDelta, ContainerSet>({
  empty: noContainers,
  open: (api, signal) => api.container.watch({}, { signal }),
  fold: foldContainers,
});

const noImages: readonly ImageSummary[] = [];

export const imagesStore = liveStore<readonly ImageSummary[], readonly ImageSummary[]>({
  empty: noImages,
  open: (api, signal) => api.image.watch({}, { signal }),
  fold: (value, lists) => lists.at(-1) ?? value,
});

export const useContainers = () => useStore(containersStore);
export const useImages = () => useStore(imagesStore);
