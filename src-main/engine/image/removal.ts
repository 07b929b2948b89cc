/** Taking away: names, images, and what died half-way. */
import { EngineError, messageOf } from '../../base/errors.ts';
import type { ContainerRecord, ImageRecord, OperationRecord } from '../state/state.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { Registries } from '../reference/reference.ts';
import { blobsOf, dropBlobs, dropLayers } from './commit.ts';
import type { ImageContext } from './context.ts';
import type { RemovedImage, ResolvedImage } from './image.ts';
import { nameToTake, resolveImage } from './lookup.ts';

const partialLifeMs = 7 * 24 * 3600 * 1000;

export function untagImage(context: ImageContext, registries: Registries, nameOrId: string, names: readonly string[]): ImageRecord {
  const { state } = context;
  return state.transaction(() => {
    const { record } = resolveImage(state.images, registries, nameOrId);
    const taken = names.length === 0 ? record.names : names.map((name) => nameToTake(record, registries, name));
    const changed = { ...record, names: record.names.filter((name) => !taken.includes(name)) };
    state.images.put(changed);
    for (const name of taken) state.events.append({ type: 'image', status: 'untag', id: record.id, name });
    return changed;
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

export async function removeImage(context: ImageContext, registries: Registries, text: string, force: boolean): Promise<RemovedImage> {
  const { state } = context;
  const { record } = resolveImage(state.images, registries, text);
  using _lock = await state.lock('image', record.id);
  // Under the lock once more: another engine may have changed it.
  const found = resolveImage(state.images, registries, text);
  if (plan(found, text, force) === 'untag') {
    untagImage(context, registries, found.record.id, [found.name]);
    return { untagged: [found.name], deleted: [] };
  }
  using _operation = state.operations.begin('image.remove', found.record.id, {
    chainIds: found.record.chainIds,
    blobs: blobsOf(found.record),
  });
  const removed = state.transaction(() => {
    const users = containersOf(context, found.record.id);
    if (users.length > 0) throw inUse(found.record, users);
    const last = state.images.find(found.record.id);
    if (!last) throw new EngineError('not-found', `${text}: image not known`);
    for (const name of last.names) state.events.append({ type: 'image', status: 'untag', id: last.id, name });
    state.images.remove(last.id);
    state.events.append({ type: 'image', status: 'remove', id: last.id, name: last.names[0] ?? last.id });
    return last;
  });
  await dropLayers(context, removed.chainIds);
  dropBlobs(context, blobsOf(removed));
  return { untagged: removed.names, deleted: [removed.id] };
}

function digestsIn(operation: OperationRecord, key: string): Digest[] {
  const value = operation.details[key];
  return Array.isArray(value) ? value.filter((one): one is Digest => typeof one === 'string') : [];
}

/** See ImageStore.recover. Idempotent; may run in several engines at once. */
export async function recoverImages(context: ImageContext): Promise<string[]> {
  const done: string[] = [];
  for (const operation of context.state.operations.abandoned()) {
    if (operation.kind !== 'image.pull' && operation.kind !== 'image.remove') continue;
    const what =
      operation.kind === 'image.pull'
        ? `pull of ${operation.object} had died`
        : `removal of image ${operation.object.slice(0, 12)} had died`;
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
