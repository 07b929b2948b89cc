import { EngineError, isEngineError } from '../../base/errors.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import type { ImageId } from '../../contract/ids.ts';
import type { ImageSummary, TransferProgress } from '../../contract/image.ts';
import type { ImportRequest, PushOptions, PushedImage, ResolvedImage, SavedImage } from '../image/image.ts';
import type { ImageRecord } from '../state/state.ts';
import { engineEvents } from './event-service.ts';
import { filterImages } from './image-filter.ts';
import { imageBytesHandlers } from './image-bytes.ts';
import { withProgress } from './progress.ts';
import { removing, type Rooms } from './rooms.ts';

export function imageHandlers(rooms: Rooms): EngineHandlers['image'] {
  const { images, state } = rooms;
  return {
    list: ({ filters }) => filterImages(rooms, summaries(rooms), filters),

    async *watch(_, { signal }) {
      const sequence = state.events.lastSequence();
      yield distinct(summaries(rooms));
      for await (const batch of engineEvents(state, sequence, signal)) {
        if (batch.some(({ type, status }) => type === 'image' || status === 'create' || status === 'remove'))
          yield distinct(summaries(rooms));
      }
    },

    inspect: ({ image }) => images.inspect(image),
    exists({ image }) {
      try {
        images.resolveRecord(image);
        return true;
      } catch (error) {
        if (isEngineError(error, 'not-found')) return false;
        // What no image can be called there is none of; a place that is no name is refused.
        if (isEngineError(error, 'invalid-argument') && error.details['field'] === 'reference') return false;
        throw error;
      }
    },
    history: ({ image }) => images.history(image),
    tree: ({ image, whatRequires }) => images.tree(image, { whatRequires }),

    async *pull(input, { signal }) {
      const { reference, ...options } = input;
      for await (const item of withProgress<TransferProgress, readonly ResolvedImage[]>((onProgress) =>
        images.pullAll(reference, { ...options, signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else for (const { record, name } of item.result) yield { kind: 'image', id: record.id, name };
      }
    },

    async *load({ path }, { signal }) {
      for await (const item of withProgress<TransferProgress, readonly ResolvedImage[]>((onProgress) =>
        images.load(path, { signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else for (const { record, name } of item.result) yield { kind: 'image', id: record.id, name };
      }
    },

    ...imageBytesHandlers(images),

    async *save({ images: names, ...options }, { signal }) {
      for await (const item of withProgress<TransferProgress, readonly SavedImage[]>((onProgress) =>
        images.save(names, { ...options, signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else for (const saved of item.result) yield { kind: 'image', ...saved };
      }
    },

    async *import({ path, url, ...options }, { signal }) {
      for await (const item of withProgress<TransferProgress, ResolvedImage>((onProgress) =>
        images.importTar({ ...options, reference: options.reference, source: importSource(path, url), signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else yield { kind: 'image', id: item.result.record.id, name: item.result.name };
      }
    },
    mount: ({ image }) => rooms.containers.mountImage(image),
    unmount: ({ image, force }) => rooms.containers.unmountImage(image, force),
    mounted: () => rooms.containers.mountedImages(),
    async *push(input, { signal }) {
      const { image, destination, ...given } = input;
      const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Omit<PushOptions, 'signal'>;
      for await (const item of withProgress<TransferProgress, PushedImage>((onProgress) =>
        images.push(image, destination, { ...options, signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else yield { kind: 'pushed', ...item.result };
      }
    },

    async sign({ images: names, ...options }, { signal }) {
      const signed = await images.sign(names, { ...options, signal });
      return signed.map((one) => ({ ...one }));
    },
    tag: ({ image, names }) => ({ id: images.tag(image, names).id }),
    untag: ({ image, names }) => ({ id: images.untag(image, names).id }),

    async remove({ image, force, ignore, trash: wanted }) {
      const found = images.findRecord(image);
      if (ignore && !found) return { untagged: [], deleted: [] };
      const { untagged, deleted } = await removing(rooms, wanted, async (trash) => {
        // No container is made of a list, and its mount is its image's.
        if (!found?.record.list) {
          if (force) await removeContainersOf(rooms, images.resolve(image).record.id, trash);
          await rooms.containers.releaseImage(image);
        }
        return images.remove(image, { force, trash });
      });
      return { untagged: [...untagged], deleted: [...deleted] };
    },

    async ensureStarter() {
      const { record, name } = await images.ensureStarter();
      return { id: record.id, name };
    },
  };
}

function importSource(path: string | undefined, url: string | undefined): ImportRequest['source'] {
  if (path !== undefined && url === undefined) return { path };
  if (url !== undefined && path === undefined) return { url };
  throw new EngineError('invalid-argument', 'either a path or an address has to be given', { details: { field: 'path' } });
}

async function removeContainersOf({ state, containers }: Rooms, id: ImageId, trash: boolean): Promise<void> {
  for (const container of state.containers.list().filter(({ imageId }) => imageId === id))
    await containers.remove(container.id, { force: true, volumes: false, timeoutSeconds: undefined, trash });
}

function summaries({ images, state }: Rooms): ImageSummary[] {
  return images
    .list()
    .map((record) => toSummary(record, state.containers.countByImage(record.id)))
    .sort((a, b) => b.createdAt - a.createdAt);
}

/** For who shows one row for each image: one that is here and in an additional store is here. */
function distinct(images: readonly ImageSummary[]): ImageSummary[] {
  const byId = new Map<string, ImageSummary>();
  for (const image of images) {
    const other = byId.get(image.id);
    if (!other) byId.set(image.id, image);
    else {
      const names = [...new Set([...other.names, ...image.names])];
      byId.set(image.id, { ...(other.readOnly === true ? image : other), names, dangling: names.length === 0 });
    }
  }
  return [...byId.values()];
}

function toSummary(record: ImageRecord, containers: number): ImageSummary {
  return {
    id: record.id,
    names: [...record.names],
    repoDigests: [...record.repoDigests],
    ...(record.manifestDigest === undefined ? {} : { digest: record.manifestDigest }),
    createdAt: record.createdAt,
    sizeBytes: record.sizeBytes,
    labels: { ...record.labels },
    containers,
    architecture: record.architecture,
    os: record.os,
    dangling: record.names.length === 0,
    ...(record.readOnly === undefined ? {} : { readOnly: true as const }),
    ...(record.list ? { manifestList: true as const } : {}),
  };
}
