import { isEngineError } from '../../base/errors.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ManifestDetail } from '../../contract/manifest.ts';
import type { InspectedList, ListChanges, PushedImage } from '../image/image.ts';
import { withProgress } from './progress.ts';
import { removing, type Rooms } from './rooms.ts';

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without what was not given: the rooms tell "not given" from "nothing". */
function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Given<T>;
}

interface ChangeInput {
  readonly annotations: Readonly<Record<string, string>>;
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
  readonly variant?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly osFeatures?: string[] | undefined;
  readonly features?: string[] | undefined;
}

function toChanges({ annotations, architecture, os, variant, osVersion, osFeatures, features }: ChangeInput): ListChanges {
  return { annotations, platform: given({ architecture, os, variant, osVersion, osFeatures, features }) };
}

export function manifestHandlers(rooms: Rooms): EngineHandlers['manifest'] {
  const { images } = rooms;
  return {
    async create({ list, images: added, ...options }, { signal }) {
      return { id: (await images.createList(list, added, { ...given(options), signal })).id };
    },
    async add({ list, images: added, annotations, architecture, os, variant, osVersion, osFeatures, features, ...options }, { signal }) {
      const changes = toChanges({ annotations, architecture, os, variant, osVersion, osFeatures, features });
      return { id: (await images.addToList(list, added, changes, { ...given(options), signal })).id };
    },
    annotate: async ({ list, instance, ...changes }) => ({ id: (await images.annotateList(list, instance, toChanges(changes))).id }),
    inspect: async ({ list, ...options }, { signal }) => toDetail(await images.inspectList(list, { ...given(options), signal })),
    async exists({ list }) {
      try {
        await images.resolveList(list);
        return true;
      } catch (error) {
        if (isEngineError(error, 'not-found')) return false;
        throw error;
      }
    },
    remove: async ({ list, instance }) => ({ id: (await images.removeFromList(list, instance)).id }),
    async delete({ list, trash: wanted }) {
      await images.resolveList(list);
      const { untagged, deleted } = await removing(rooms, wanted, (trash) => images.remove(list, { force: false, trash }));
      return { untagged: [...untagged], deleted: [...deleted] };
    },
    async *push({ list, destination, ...options }, { signal }) {
      for await (const item of withProgress<TransferProgress, PushedImage>((onProgress) =>
        images.pushList(list, destination, { ...given(options), signal, onProgress }),
      )) {
        if (item.kind === 'progress') yield item;
        else yield { kind: 'pushed', ...item.result };
      }
    },
  };
}

function toDetail(found: InspectedList): ManifestDetail {
  if (found.kind === 'remote') return found;
  const { id, names, manifestDigest, list } = found.record;
  const instances = list.instances.map(({ digest, size, mediaType, platform, annotations, image, source }) => ({
    ...{ digest, mediaType, sizeBytes: size, annotations: { ...annotations } },
    ...platform,
    osFeatures: [...platform.osFeatures],
    features: [...platform.features],
    ...(image === undefined ? {} : { image: image.id }),
    ...(source === undefined ? {} : { source }),
  }));
  return { kind: 'local', id, names: [...names], digest: manifestDigest, annotations: { ...list.annotations }, instances };
}
