/** Taking away: names, images, and what died half-way. */
import { EngineError, messageOf } from '../../base/errors.ts';
import type { ContainerRecord, ImageRecord, OperationRecord } from '../state/state.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { Lock } from '../../system/system.ts';
import type { Registries } from '../reference/reference.ts';
import { newTrashId } from '../state/state.ts';
import { blobsOf, documentsOf, dropBlobs, dropLayers } from './commit.ts';
import type { ImageContext } from './context.ts';
import type { RemovedImage, RemoveOptions, ResolvedImage, RestoredImage } from './image.ts';
import { nameToTake, resolveRecord } from './lookup.ts';

const partialLifeMs = 7 * 24 * 3600 * 1000;

export function untagImage(context: ImageContext, registries: Registries, nameOrId: string, names: readonly string[]): ImageRecord {
  const { state } = context;
  return state.transaction(() => {
    const { record } = resolveRecord(state.images, registries, nameOrId);
    requireOwn(record, 'lose a name');
    const taken = names.length === 0 ? record.names : names.map((name) => nameToTake(record, registries, name));
    const changed = { ...record, names: record.names.filter((name) => !taken.includes(name)) };
    state.images.put(changed);
    for (const name of taken) state.events.append({ type: 'image', status: 'untag', id: record.id, name });
    return changed;
  });
}

/** Podman's words. */
function requireOwn(record: ImageRecord, what: 'be removed' | 'lose a name'): void {
  if (record.readOnly === undefined) return;
  const words = what === 'be removed' ? 'cannot remove read-only image' : 'cannot untag read-only image';
  throw new EngineError('denied', `${words} ${JSON.stringify(record.id)}: it is in the additional image store ${record.readOnly}`, {
    fix: `An additional store is only read. In it the image goes by: selkie --root ${record.readOnly} rmi ${record.id.slice(0, 12)}`,
    details: { store: record.readOnly },
  });
}

function containersOf(context: ImageContext, id: ImageId): ContainerRecord[] {
  return context.state.containers.list().filter((container) => container.imageId === id);
}

function inUse(record: ImageRecord, containers: readonly ContainerRecord[]): EngineError {
  const names = containers.map(({ name, id }) => `${name} (${id.slice(0, 12)})`);
  return new EngineError('in-use', `image ${record.names[0] ?? record.id.slice(0, 12)} is used by ${names.slice(0, 5).join(', ')}`, {
    fix: 'Remove the container first, or force the removal of both.',
    details: { containers: containers.map(({ id }) => id) },
  });
}

/** What a request to remove means by Podman's rules: one name among several, or the whole image. */
function plan(found: ResolvedImage, text: string, force: boolean): 'untag' | 'remove' {
  const { record } = found;
  if (record.names.length <= 1) return 'remove';
  const asName = found.name !== record.id && !found.name.includes('@');
  if (asName) return 'untag';
  if (force) return 'remove';
  throw new EngineError('in-use', `image ${text} has more than one name (${record.names.join(', ')})`, {
    fix: 'Remove it by one of its names, or force the removal.',
    details: { names: record.names },
  });
}

export async function removeImage(
  context: ImageContext,
  registries: Registries,
  text: string,
  options: RemoveOptions,
): Promise<RemovedImage> {
  const { state } = context;
  const { record } = resolveRecord(state.images, registries, text);
  requireOwn(record, 'be removed');
  using _lock = await state.lock('image', record.id);
  // Under the lock once more: another engine may have changed it.
  const found = resolveRecord(state.images, registries, text);
  requireOwn(found.record, 'be removed');
  if (plan(found, text, options.force) === 'untag') {
    untagImage(context, registries, found.record.id, [found.name]);
    return { untagged: [found.name], deleted: [] };
  }
  if (options.trash === true) {
    const trashed = state.transaction(() => takeAway(context, found.record.id, text, options));
    return { untagged: trashed.names, deleted: [trashed.id] };
  }
  using _operation = state.operations.begin('image.remove', found.record.id, {
    chainIds: found.record.chainIds,
    blobs: blobsOf(found.record),
  });
  const removed = state.transaction(() => takeAway(context, found.record.id, text, options));
  await dropFiles(context, removed);
  return { untagged: removed.names, deleted: [removed.id] };
}

/** Layers and blobs that nothing else needs. */
async function dropFiles(context: ImageContext, record: ImageRecord): Promise<void> {
  await dropLayers(context, record.chainIds);
  dropBlobs(context, blobsOf(record));
}

/** Within a transaction. Of an image in the trash all stays where it is: its entry refers to layers and blobs as the image did. */
function takeAway(context: ImageContext, id: ImageId, text: string, options: RemoveOptions): ImageRecord {
  const { state, system } = context;
  const users = containersOf(context, id);
  const last = state.images.find(id);
  if (!last) throw new EngineError('not-found', `${text}: image not known`);
  requireOwn(last, 'be removed');
  if (users.length > 0) throw inUse(last, users);
  if (options.expectedNames && options.expectedNames.join() !== last.names.join())
    throw new EngineError('in-use', `image ${text} is called ${last.names.join(', ') || 'nothing'} meanwhile`, {
      fix: 'Look at the plan anew.',
    });
  for (const name of last.names) state.events.append({ type: 'image', status: 'untag', id: last.id, name });
  state.images.remove(last.id);
  state.events.append({ type: 'image', status: 'remove', id: last.id, name: last.names[0] ?? last.id });
  if (options.trash !== true) return last;
  const removedAt = Math.round(system.clock.nowMs());
  const name = last.names[0] ?? '';
  state.trash.insert({ id: newTrashId(), kind: 'image', object: last.id, name, removedAt, sizeBytes: undefined, record: last });
  return last;
}

/** Deletes for good what the trash has of an image. Nothing there any more: no error. */
export async function discardImage(context: ImageContext, trashId: string): Promise<void> {
  const { state } = context;
  const entry = state.trash.find(trashId);
  if (entry?.kind !== 'image') return;
  using _lock = await state.lock('image', entry.object);
  if (!state.trash.find(trashId)) return;
  using _operation = state.operations.begin('image.remove', entry.object, {
    chainIds: entry.record.chainIds,
    blobs: blobsOf(entry.record),
  });
  state.trash.remove(trashId);
  await dropFiles(context, entry.record);
}

/** Brings it back with those of its names that are free; answers the others. `corrupt` when a layer was lost. */
export async function restoreImage(context: ImageContext, trashId: string): Promise<RestoredImage> {
  const { state, layers, blobs } = context;
  const entry = state.trash.find(trashId);
  if (entry?.kind !== 'image') throw new EngineError('not-found', `there is no image ${trashId} in the trash`);
  const locks: Lock[] = [];
  try {
    locks.push(await state.lock('image', entry.object));
    // As a commit: who removes a layer looks for images under its lock.
    for (const chainId of [...new Set(entry.record.chainIds)].sort()) locks.push(await state.lock('layer', chainId));
    const documents = documentsOf(entry.record);
    const lost = entry.record.chainIds.find((chainId) => !layers.find(chainId)) ?? documents.find((digest) => !blobs.has(digest));
    if (lost !== undefined)
      throw new EngineError(
        'corrupt',
        `image ${entry.name || entry.object.slice(0, 12)} cannot be brought back: ${lost} is not in the store any more`,
        {
          fix: `Pull it again, and forget this one: selkie trash empty ${trashId}`,
        },
      );
    return state.transaction(() => putBack(context, entry.record, trashId));
  } finally {
    for (const lock of locks) lock.release();
  }
}

function putBack({ state }: ImageContext, record: ImageRecord, trashId: string): RestoredImage {
  if (!state.trash.find(trashId)) throw new EngineError('not-found', `there is no image ${trashId} in the trash any more`);
  const present = state.images.find(record.id);
  const now = present?.readOnly === undefined ? present : undefined;
  const taken = record.names.filter((name) => (state.images.findByName(name)?.id ?? record.id) !== record.id);
  const back = record.names.filter((name) => !taken.includes(name));
  const restored: ImageRecord = {
    ...record,
    names: [...new Set([...(now?.names ?? []), ...back])],
    repoDigests: [...new Set([...(now?.repoDigests ?? []), ...record.repoDigests])],
  };
  state.images.put(restored);
  state.trash.remove(trashId);
  state.events.append({ type: 'image', status: 'restore', id: record.id, name: back[0] ?? record.id });
  for (const name of back) state.events.append({ type: 'image', status: 'tag', id: record.id, name });
  return { record: restored, taken };
}

function digestsIn(operation: OperationRecord, key: string): Digest[] {
  const value = operation.details[key];
  return Array.isArray(value) ? value.filter((one): one is Digest => typeof one === 'string') : [];
}

function interrupted({ kind, object }: OperationRecord): string | undefined {
  switch (kind) {
    case 'image.pull':
      return `pull of ${object} had died`;
    case 'image.remove':
      return `removal of image ${object.slice(0, 12)} had died`;
    case 'image.commit':
      return `commit of ${object} had died`;
    case 'image.import':
      return `import of ${object} had died`;
    default:
      return undefined;
  }
}

/** See ImageStore.recover. Idempotent; may run in several engines at once. */
export async function recoverImages(context: ImageContext): Promise<string[]> {
  const done: string[] = [];
  for (const operation of context.state.operations.abandoned()) {
    const what = interrupted(operation);
    if (what === undefined) continue;
    try {
      const removed = await dropLayers(context, digestsIn(operation, 'chainIds'));
      dropBlobs(context, digestsIn(operation, 'blobs'));
      context.state.operations.remove(operation.id);
      done.push(`${what}: ${String(removed.length)} unneeded layers removed`);
    } catch (error) {
      // An engine that cannot clear up still has to start: its user may be the one who can.
      done.push(`${what}, and what it left could not be removed: ${messageOf(error)}`);
    }
  }
  const swept = context.downloads.sweep(partialLifeMs);
  if (swept.length > 0) done.push(`${String(swept.length)} downloads that nobody came back for removed`);
  return done;
}
