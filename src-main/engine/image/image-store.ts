import { existsSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { ImageDetail } from '../../contract/image.ts';
import { createBlobStore, createDownloadStore } from '../content/content.ts';
import type { Limits } from '../registry/registry.ts';
import type { State } from '../state/state.ts';
import { adoptImage, outlookOf } from './adopt.ts';
import { dropLayers, unreferencedLayers } from './commit.ts';
import { parseConfig } from './config-blob.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { ImageStore, ResolvedImage } from './image.ts';
import { findImage, findRecord, nameToGive, resolveImage, resolveRecord } from './lookup.ts';
import { parseManifest } from './manifest.ts';
import { createLists } from './lists.ts';
import { findImageProblems, verifyLayers } from './problems.ts';
import { discardImage, recoverImages, removeImage, restoreImage, untagImage } from './removal.ts';
import { checkStoreOf, nameHere } from './transport.ts';

export type ImageStoreOptions = Pick<ImageContext, 'config' | 'state' | 'layers' | 'snapshots' | 'system'> & {
  /** Default: the process's own, read at the moment of use. */
  readonly environment?: () => Readonly<Record<string, string | undefined>>;
  /** How long to wait for registries, and how often. */
  readonly limits?: Partial<Limits>;
};

const starterName = 'localhost/selkie/starter:latest';

function mediaTypeOf(context: ImageContext, digest: Digest | undefined): string {
  const bytes = digest === undefined ? undefined : context.blobs.find(digest);
  return bytes === undefined ? '' : parseManifest(bytes, '', `manifest ${digest ?? ''}`).mediaType;
}

/** How many images have each of these layers. */
function usersOf(state: State, chainIds: readonly Digest[]): ReadonlyMap<Digest, number> {
  const users = new Map<Digest, number>(chainIds.map((chainId) => [chainId, 0]));
  for (const image of state.images.list())
    for (const chainId of image.chainIds) {
      const count = users.get(chainId);
      if (count !== undefined) users.set(chainId, count + 1);
    }
  return users;
}

function inspect(context: ImageContext, { record, name }: ResolvedImage): ImageDetail {
  const { state, snapshots } = context;
  const parsed = parseConfig(context.blobs.get(`sha256:${record.id}` as Digest), name);
  const top = record.chainIds.at(-1);
  const users = usersOf(state, record.chainIds);
  return {
    id: record.id,
    names: [...record.names],
    repoDigests: [...record.repoDigests],
    digest: record.manifestDigest,
    createdAt: record.createdAt,
    sizeBytes: record.sizeBytes,
    labels: { ...record.labels },
    containers: state.containers.countByImage(record.id),
    ...(record.readOnly === undefined ? {} : { readOnly: true as const }),
    architecture: record.architecture,
    os: record.os,
    dangling: record.names.length === 0,
    config: parsed.config,
    author: parsed.author,
    comment: parsed.comment,
    variant: parsed.platform.variant,
    mediaType: mediaTypeOf(context, record.manifestDigest),
    history: parsed.history,
    layers: record.chainIds.flatMap((chainId) => {
      const layer = state.layers.find(chainId);
      return layer ? [{ diffId: layer.diffId, sizeBytes: layer.sizeBytes, images: users.get(chainId) ?? 1 }] : [];
    }),
    graphDriver: { name: snapshots.driver, data: top === undefined ? {} : { ...snapshots.describe(top) } },
  };
}

async function ensureStarter(context: ImageContext): Promise<ResolvedImage> {
  const present = context.state.images.findByName(starterName);
  if (present) return { record: present, name: starterName };
  const { loadImages, starterArchive } = await import('./load.ts');
  const path = starterArchive(context.config.resources);
  if (!existsSync(path))
    throw new EngineError('not-found', `the starter image ${path} is not there`, { fix: 'Run the set-up again: npm run build.' });
  const loaded = await loadImages(context, path, {});
  const found = loaded.find(({ name }) => name === starterName) ?? loaded[0];
  if (!found) throw new EngineError('corrupt', `${path} holds no image`);
  return found;
}

/** The images of one store; see image.ts for their laws. */
export function createImageStore(options: ImageStoreOptions): ImageStore {
  const { config, state, layers, snapshots, system } = options;
  const blobs = createBlobStore({ graphRoot: config.graphRoot, system, additional: () => state.additional.paths() });
  const downloads = createDownloadStore({ graphRoot: config.graphRoot, runRoot: config.runRoot, system });
  const environment = options.environment ?? (() => process.env);
  const context: ImageContext = { config, state, layers, snapshots, system, blobs, downloads, environment, limits: options.limits ?? {} };
  const own = (nameOrId: string): string => checkStoreOf(context, nameOrId);
  /** Whoever has found an image of an additional store has its layers here. */
  const withLayers = <T extends ResolvedImage | undefined>(found: T): T => {
    if (found?.record.readOnly !== undefined) for (const chainId of found.record.chainIds) layers.find(chainId);
    return found;
  };
  const resolve = (nameOrId: string): ResolvedImage => withLayers(resolveImage(state.images, readRegistries(context), own(nameOrId)));
  const resolveAny = (nameOrId: string): ResolvedImage => withLayers(resolveRecord(state.images, readRegistries(context), own(nameOrId)));

  return {
    resolve,
    find: (nameOrId) => withLayers(findImage(state.images, readRegistries(context), own(nameOrId))),
    resolveRecord: resolveAny,
    findRecord: (nameOrId) => withLayers(findRecord(state.images, readRegistries(context), own(nameOrId))),
    list: () => state.images.list(),
    config: (id: ImageId) => parseConfig(blobs.get(`sha256:${id}` as Digest), id).config,
    inspect: (nameOrId) => inspect(context, resolve(nameOrId)),
    history: async (nameOrId) => (await import('./history.ts')).imageHistory(context, resolve(nameOrId).record),
    tree: async (nameOrId, { whatRequires }) => (await import('./history.ts')).imageTree(context, resolve(nameOrId).record, whatRequires),
    // Loaded when they are needed: most commands neither fetch nor read archives.
    async pull(reference, pullOptions) {
      const [first] = await (await import('./pull-transport.ts')).pullAll(context, reference, pullOptions);
      if (!first) throw new EngineError('not-found', `${reference} holds no image`);
      return withLayers(first);
    },
    pullAll: async (reference, pullOptions) =>
      (await (await import('./pull-transport.ts')).pullAll(context, reference, pullOptions)).map(withLayers),
    async load(path, loadOptions) {
      const { loadImages } = await import('./load.ts');
      return loadImages(context, path, loadOptions);
    },
    outlook: (image) => outlookOf(context, image),
    adopt: (image, adoptOptions) => adoptImage(context, image, adoptOptions),
    async save(nameOrIds, saveOptions) {
      const { saveImages } = await import('./save.ts');
      return saveImages(context, nameOrIds.map(own), saveOptions);
    },
    async saveForSending(nameOrIds, saveOptions) {
      const { saveForSending } = await import('./save.ts');
      return saveForSending(context, nameOrIds.map(own), saveOptions);
    },
    receive: async (chunks, receiveOptions) => (await import('./nameless-file.ts')).receiveFile(context, chunks, receiveOptions),
    async importTar(request) {
      const { importImage } = await import('./import.ts');
      return importImage(context, request);
    },
    async compose(request) {
      const { composeImage } = await import('./import.ts');
      return composeImage(context, request);
    },
    async push(nameOrId, destination, pushOptions) {
      const { Push } = await import('./push.ts');
      return new Push(context, pushOptions).run(own(nameOrId), destination);
    },
    async sign(names, signOptions) {
      const { signImages } = await import('./sign.ts');
      return signImages(context, names, signOptions);
    },
    ...createLists(context),
    tag(nameOrId, names) {
      const given = names.map((name) => nameToGive(nameHere(context, name)));
      return state.transaction(() => {
        const { record } = resolveAny(nameOrId);
        // As in Podman, of a read-only image this makes one here, which has the new names only.
        const before = record.readOnly === undefined ? record.names : [];
        const changed = { ...record, names: [...new Set([...before, ...given])] };
        state.images.put(changed);
        for (const name of given) state.events.append({ type: 'image', status: 'tag', id: record.id, name });
        return changed;
      });
    },
    untag: (nameOrId, names) => untagImage(context, readRegistries(context), own(nameOrId), names),
    remove: (nameOrId, removeOptions) => removeImage(context, readRegistries(context), own(nameOrId), removeOptions),
    restore: (trashId) => restoreImage(context, trashId),
    discard: (trashId) => discardImage(context, trashId),
    async dropLayers(chainIds) {
      await dropLayers(context, chainIds);
    },
    searchRegistries: () => {
      const { unqualifiedSearch, files } = readRegistries(context);
      return { search: unqualifiedSearch, files };
    },
    unreferencedLayers: () => unreferencedLayers(state),
    ensureStarter: () => ensureStarter(context),
    recover: () => recoverImages(context),
    findProblems: () => findImageProblems(context),
    verify: (signal) => verifyLayers(context, signal),
  };
}
