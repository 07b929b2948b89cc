/** Who needs which layer, and what would be free without them. A layer that several need counts once. */
import type { ContainerId, Digest, ImageId } from '../../contract/ids.ts';
import type { ContainerRecord, ImageRecord, State } from '../state/state.ts';

interface Holders {
  readonly images: readonly Pick<ImageRecord, 'id' | 'chainIds'>[];
  readonly containers: readonly Pick<ContainerRecord, 'id' | 'imageId' | 'config'>[];
}

export interface LayerUsage {
  /** Of layers that images or containers need. */
  readonly liveBytes: number;
  /** Of layers that only what is in the trash needs. */
  readonly trashBytes: number;
  /** What `liveBytes` becomes less by without these. */
  freedBy(images: ReadonlySet<ImageId>, containers?: ReadonlySet<ContainerId>): number;
  /** What `trashBytes` becomes less by without these entries. */
  freedFromTrash(trashIds: ReadonlySet<string>): number;
  /** Of an image's layers: what others need too, and what is its own alone. Images and containers that live are looked at. */
  shares(image: Pick<ImageRecord, 'id' | 'chainIds'>): { readonly sharedBytes: number; readonly uniqueBytes: number };
}

/** As of now: nothing is kept up to date. */
export function layerUsage(state: Pick<State, 'images' | 'containers' | 'layers' | 'trash' | 'transaction'>): LayerUsage {
  const { layers, live, trash } = state.transaction(() => ({
    layers: new Map(state.layers.list().map((layer) => [layer.chainId, layer])),
    live: { images: state.images.list(), containers: state.containers.list() } satisfies Holders,
    trash: state.trash.list(),
  }));
  const trashed = (without?: ReadonlySet<string>): Holders => {
    const left = trash.filter(({ id }) => without?.has(id) !== true);
    return {
      images: left.flatMap((entry) => (entry.kind === 'image' ? [entry.record] : [])),
      containers: left.flatMap((entry) => (entry.kind === 'container' ? [entry.record] : [])),
    };
  };

  function needed({ images, containers }: Holders): Set<Digest> {
    const found = new Set<Digest>();
    const need = (top: Digest | undefined): void => {
      for (let at = top; at !== undefined && !found.has(at); at = layers.get(at)?.parentChainId) found.add(at);
    };
    for (const { chainIds } of images) for (const chainId of chainIds) need(chainId);
    for (const { config } of containers) need(config.parentChainId);
    return found;
  }

  const bytesOf = (ids: Iterable<Digest>): number => [...ids].reduce((sum, id) => sum + (layers.get(id)?.sizeBytes ?? 0), 0);
  const minus = (ids: ReadonlySet<Digest>, others: ReadonlySet<Digest>): Digest[] => [...ids].filter((id) => !others.has(id));
  const lives = needed(live);
  const onlyTrash = (without?: ReadonlySet<string>): number => bytesOf(minus(needed(trashed(without)), lives));
  const trashBytes = onlyTrash();
  return {
    liveBytes: bytesOf(lives),
    trashBytes,
    freedBy(images, containers = new Set()) {
      const left = {
        images: live.images.filter(({ id }) => !images.has(id)),
        containers: live.containers.filter(({ id }) => !containers.has(id)),
      };
      return bytesOf(minus(lives, needed(left)));
    },
    freedFromTrash: (trashIds) => trashBytes - onlyTrash(trashIds),
    shares({ id, chainIds }) {
      // What only its own containers need besides is still its own.
      const others = needed({
        images: live.images.filter((other) => other.id !== id),
        containers: live.containers.filter(({ imageId }) => imageId !== id),
      });
      const own = new Set(chainIds);
      const uniqueBytes = bytesOf(minus(own, others));
      return { uniqueBytes, sharedBytes: bytesOf(own) - uniqueBytes };
    },
  };
}
