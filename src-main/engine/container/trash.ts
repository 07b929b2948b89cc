/** Containers that were removed and are kept for a while: their snapshot and their log are where they were, their record is in the trash. */
import { rmSync } from 'node:fs';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { ContainerId, Digest } from '../../contract/ids.ts';
import type { ContainerRecord, TrashRecord } from '../state/state.ts';
import { requireOwnIds } from './create-mapped.ts';
import { removeFiles } from './remove.ts';
import { appendEvent, type Room } from './room.ts';

type ContainerEntry = TrashRecord & { readonly kind: 'container' };

/** Its anonymous volumes come along when they are in the trash, too. */
export async function restoreContainer(room: Room, trashId: string, otherName: string | undefined): Promise<ContainerRecord> {
  const { record } = findEntry(room, trashId);
  using _lock = await room.state.lock('container', record.id);
  const entry = findEntry(room, trashId);
  const name = otherName ?? record.name;
  const holder = room.state.containers.list().find((other) => other.name === name);
  if (holder) throw nameTaken(name, holder, trashId);
  if (!room.snapshots.exists(record.id))
    throw new EngineError('corrupt', `the files of container ${name} are not in the store any more`, {
      fix: `forget it: selkie trash empty ${trashId}`,
    });
  await restoreVolumes(room, entry.record);
  return room.state.transaction(() => {
    const restored = asNotRunning({ ...entry.record, name });
    requireOwnIds(room, restored);
    room.state.containers.insert(restored);
    room.state.trash.remove(trashId);
    appendEvent(room, restored, 'restore');
    return restored;
  });
}

async function restoreVolumes(room: Room, { config }: ContainerRecord): Promise<void> {
  for (const name of new Set(config.mounts.map(({ volumeName }) => volumeName))) {
    if (name === '' || room.volumes.find(name)) continue;
    const [volume] = room.state.trash.findObject('volume', name);
    if (volume) await room.volumes.restore(volume.id);
  }
}

/** Whatever it was when it was removed: it has no process, no network and no mount. */
function asNotRunning(record: ContainerRecord): ContainerRecord {
  return {
    ...record,
    state: record.startedAt === undefined ? 'created' : 'exited',
    exitCode: record.startedAt === undefined ? record.exitCode : (record.exitCode ?? 0),
    pid: 0,
    pidStartTime: 0,
    conmonPid: 0,
    conmonStartTime: 0,
    network: undefined,
    networkState: undefined,
  };
}

/** Nothing there any more: no error. */
export async function discardContainer(room: Room, trashId: string): Promise<void> {
  const entry = room.state.trash.find(trashId);
  if (entry?.kind !== 'container') return;
  const { record } = entry;
  using _lock = await room.state.lock('container', record.id);
  if (!room.state.trash.find(trashId)) return;
  const chainIds = layersBelow(room, record.config.parentChainId);
  using operation = room.state.operations.begin('trash.empty', record.id, { kind: 'container', chainIds });
  room.state.trash.remove(trashId);
  operation.keep();
  await discardFiles(room, record.id, chainIds);
  room.state.operations.remove(operation.id);
}

export async function recoverDiscards(room: Room): Promise<string[]> {
  const done: string[] = [];
  for (const operation of room.state.operations.abandoned()) {
    if (operation.kind !== 'trash.empty' || operation.details['kind'] !== 'container') continue;
    const id = operation.object as ContainerId;
    try {
      using _lock = await room.state.lock('container', id);
      const wanted = room.state.containers.find(id) !== undefined || room.state.trash.findObject('container', id).length > 0;
      const chainIds = Array.isArray(operation.details['chainIds']) ? (operation.details['chainIds'] as Digest[]) : [];
      if (!wanted) await discardFiles(room, id, chainIds);
      room.state.operations.remove(operation.id);
      if (!wanted) done.push(`finished deleting container ${id.slice(0, 12)} in the trash, which was interrupted`);
    } catch (error) {
      done.push(`what was left of container ${id.slice(0, 12)} in the trash could not be deleted: ${messageOf(error)}`);
    }
  }
  return done;
}

async function discardFiles(room: Room, id: ContainerId, chainIds: readonly Digest[]): Promise<void> {
  await removeFiles(room, id);
  // Its image may have gone before it.
  await room.images.dropLayers(chainIds);
  rmSync(room.paths.lockFile(id), { force: true });
}

/** From the bottom up. */
function layersBelow(room: Room, top: Digest | undefined): Digest[] {
  const chain: Digest[] = [];
  for (let at = top; at !== undefined && !chain.includes(at); at = room.state.layers.find(at)?.parentChainId) chain.unshift(at);
  return chain;
}

function findEntry(room: Room, trashId: string): ContainerEntry {
  const entry = room.state.trash.find(trashId);
  if (entry?.kind !== 'container') throw new EngineError('not-found', `there is no container ${trashId} in the trash`);
  return entry;
}

function nameTaken(name: string, holder: ContainerRecord, trashId: string): EngineError {
  return new EngineError('already-exists', `container ${holder.id.slice(0, 12)} is called ${name} meanwhile`, {
    fix: `bring it back under another name: selkie trash restore --name NEW ${trashId}`,
    details: { field: 'name', holder: holder.id },
  });
}
