/**
 * Lists of images for several platforms, made here. A list is a record among the images: its names are theirs, and what its images in this
 * store need stays as long as the list. Each change is one transaction.
 */
import { randomBytes } from 'node:crypto';
import { EngineError } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { ImageList, ImageRecord, ListInstance, ListPlatform } from '../state/state.ts';
import { documentsOf, dropBlobs, dropLayers } from './commit.ts';
import { type ImageContext, readRegistries } from './context.ts';
import { buildList, preferredKind } from './list-document.ts';
import { type ListSourceOptions, ListSources, digestOfInstance, fetchManifest } from './list-source.ts';
import { openClient, type RegistryOptions } from './client.ts';
import { findRecord, nameToGive, resolveRecord } from './lookup.ts';
import { parseManifest } from './manifest.ts';

export interface ListChanges {
  readonly platform: Partial<ListPlatform>;
  /** Of the instances; those that are there and are not named stay. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface CreateListOptions extends ListSourceOptions {
  /** Add to the list that has the name, when there is one. */
  readonly amend: boolean;
  /** Of the index. */
  readonly annotations: Readonly<Record<string, string>>;
}

export type ListRecord = ImageRecord & { readonly list: ImageList; readonly manifestDigest: Digest };

export function isList(record: ImageRecord): record is ListRecord {
  return record.list !== undefined && record.manifestDigest !== undefined;
}

/** `not-found`; `invalid-argument` for an image that is no list. */
export function resolveList(context: ImageContext, text: string): ListRecord {
  const { record } = resolveRecord(context.state.images, readRegistries(context), text);
  if (!isList(record)) throw new EngineError('invalid-argument', `${text}: image is not a manifest list`, { details: { field: 'list' } });
  return record;
}

/** Instances of the same digest are replaced, and come last, as Podman has it. */
function merge(list: ImageList, added: readonly ListInstance[]): ImageList {
  const distinct = [...new Map(added.map((one) => [one.digest, one])).values()];
  const digests = new Set(distinct.map(({ digest }) => digest));
  return { ...list, instances: [...list.instances.filter(({ digest }) => !digests.has(digest)), ...distinct] };
}

/** All that follows from the list. */
function withList(record: Omit<ImageRecord, 'list'>, list: ImageList): ListRecord {
  const { digest, bytes } = buildList(list, preferredKind(list));
  // Below before above: a layer that several have stands where it is needed first.
  const chainIds = [...new Set(list.instances.flatMap(({ image }) => image?.chainIds ?? []))];
  return { ...record, manifestDigest: digest, sizeBytes: bytes.length, chainIds, list };
}

/** Within a transaction: an image that was removed since it was found has taken its layers along, unless something else has them. */
function requireStored({ state, blobs }: ImageContext, instances: readonly ListInstance[], before: ImageList): void {
  const had = new Set(before.instances.map(({ image }) => image?.id));
  const kept = state.images
    .list()
    .flatMap(({ list }) => list?.instances ?? [])
    .map(({ image }) => image?.id);
  const held = new Set<ImageId | undefined>([...had, ...kept]);
  for (const { image } of instances) {
    if (!image || held.has(image.id)) continue;
    if (
      !state.images.find(image.id) ||
      image.chainIds.some((chainId) => !state.layers.find(chainId)) ||
      !blobs.has(image.manifestDigest as Digest)
    )
      throw new EngineError('in-use', `image ${image.id.slice(0, 12)} was removed while it was added to the list`, { fix: 'Try again.' });
  }
}

export async function createList(
  context: ImageContext,
  name: string,
  images: readonly string[],
  options: CreateListOptions,
): Promise<ImageRecord> {
  const { state, system } = context;
  const registries = readRegistries(context);
  const full = nameToGive(name);
  const holder = (): ImageRecord | undefined =>
    state.images.findByName(full) ?? (options.amend ? findRecord(state.images, registries, name)?.record : undefined);
  const taken = (record: ImageRecord): EngineError =>
    new EngineError(
      'already-exists',
      `image name ${JSON.stringify(full)} is already associated with image ${JSON.stringify(record.id)}: that name is already in use`,
      {
        fix: record.list ? 'Give another name, or add to it with --amend.' : 'Give another name.',
        details: { field: 'list', holder: record.id },
      },
    );
  const found = holder();
  if (found && !(options.amend && isList(found))) throw taken(found);
  const sources = new ListSources(context, options);
  const added: ListInstance[] = [];
  for (const image of images) added.push(...(await sources.find(image)));
  return state.transaction(() => {
    const present = holder();
    if (present && !(options.amend && isList(present))) throw taken(present);
    const now = Math.round(system.clock.nowMs());
    const before: ImageList = present?.list ?? { annotations: {}, instances: [] };
    requireStored(context, added, before);
    const empty = { id: randomBytes(32).toString('hex') as ImageId, names: [full], repoDigests: [], createdAt: now, storedAt: now };
    const fresh = { ...empty, manifestDigest: undefined, chainIds: [], sizeBytes: 0, architecture: '', os: '', labels: {} };
    const record = withList(present ?? fresh, merge({ ...before, annotations: { ...before.annotations, ...options.annotations } }, added));
    state.images.put(record);
    if (!present) state.events.append({ type: 'image', status: 'create', id: record.id, name: full });
    return record;
  });
}

function changeList(context: ImageContext, name: string, change: (list: ImageList) => ImageList): ImageRecord {
  const { state } = context;
  return state.transaction(() => {
    const record = resolveList(context, name);
    const changed = withList(record, change(record.list));
    state.images.put(changed);
    return changed;
  });
}

function withChanges(instance: ListInstance, { platform, annotations }: ListChanges): ListInstance {
  return { ...instance, platform: { ...instance.platform, ...platform }, annotations: { ...instance.annotations, ...annotations } };
}

export async function addToList(
  context: ImageContext,
  name: string,
  images: readonly string[],
  changes: ListChanges,
  options: ListSourceOptions,
): Promise<ImageRecord> {
  const { id } = resolveList(context, name);
  const sources = new ListSources(context, options);
  const added: ListInstance[] = [];
  for (const image of images) added.push(...(await sources.find(image)).map((one) => withChanges(one, changes)));
  return changeList(context, id, (list) => {
    requireStored(context, added, list);
    return merge(list, added);
  });
}

/** Podman's 5: `undefined` for the instance changes the index itself, which has annotations only. */
export function annotateList(context: ImageContext, name: string, instance: string | undefined, changes: ListChanges): ImageRecord {
  if (instance === undefined)
    return changeList(context, name, (list) => ({ ...list, annotations: { ...list.annotations, ...changes.annotations } }));
  return changeInstance(context, name, instance, (one) => [withChanges(one, changes)]);
}

/** What nothing but the list still had of that image goes too. */
export async function removeFromList(context: ImageContext, name: string, instance: string): Promise<ImageRecord> {
  const { id, list } = resolveList(context, name);
  const chainIds = list.instances.flatMap(({ image }) => image?.chainIds ?? []);
  const blobs = list.instances.flatMap(({ image }) => (image ? documentsOf(image) : []));
  using _operation = context.state.operations.begin('image.remove', id, { chainIds, blobs });
  const changed = changeInstance(context, name, instance, () => []);
  await dropLayers(
    context,
    [...new Set(chainIds)].filter((chainId) => !changed.chainIds.includes(chainId)),
  );
  dropBlobs(context, blobs);
  return changed;
}

function changeInstance(context: ImageContext, name: string, instance: string, change: (one: ListInstance) => ListInstance[]): ImageRecord {
  resolveList(context, name);
  const digest = digestOfInstance(context, readRegistries(context), instance);
  if (digest === undefined)
    throw new EngineError('invalid-argument', `${JSON.stringify(instance)} is neither a digest nor an image that is here`, {
      fix: `The list names the digests: selkie manifest inspect ${name}`,
      details: { field: 'instance' },
    });
  return changeList(context, name, (list) => {
    if (!list.instances.some((one) => one.digest === digest))
      throw new EngineError('not-found', `no instance matching digest ${JSON.stringify(digest)} found in manifest list ${name}`, {
        details: { digests: list.instances.map((one) => one.digest).slice(0, 100) },
      });
    return { ...list, instances: list.instances.flatMap((one) => (one.digest === digest ? change(one) : [one])) };
  });
}

export type InspectedList =
  | { readonly kind: 'local'; readonly record: ListRecord }
  /** As the registry has it; `list` is false for an image alone. */
  | { readonly kind: 'remote'; readonly document: string; readonly digest: Digest; readonly list: boolean };

/** One of the store, else of a registry. */
export async function inspectList(
  context: ImageContext,
  name: string,
  options: RegistryOptions & { readonly signal?: AbortSignal },
): Promise<InspectedList> {
  const registries = readRegistries(context);
  const found = name.startsWith('docker://') ? undefined : findRecord(context.state.images, registries, name);
  if (found && isList(found.record)) return { kind: 'local', record: found.record };
  await using client = openClient(context, registries, options, () => undefined);
  const { manifest } = await fetchManifest(client, registries, name, options);
  const list = parseManifest(manifest.bytes, manifest.contentType, `manifest of ${name}`).kind === 'index';
  return { kind: 'remote', document: manifest.bytes.toString('utf8'), digest: manifest.digest, list };
}
