import { mkdirSync, rmSync } from 'node:fs';
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ResolvedImage } from '../image/image.ts';
import type { ContainerRecord } from '../state/state.ts';
import { decideConfig } from './create-config.ts';
import { missingVolumes, prepareVolumes, unmakeVolumes } from './create-mounts.ts';
import { generateName, newContainerId } from './names.ts';
import { appendEvent, endOperation, type Room } from './room.ts';

export interface CreateOptions {
  readonly onProgress?: (progress: TransferProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes a container: journal, snapshot, volumes, and then the record, whose transaction ends the journal entry: a container is
 * there whole or not at all.
 */
export async function createContainer(
  room: Room,
  spec: ContainerSpec,
  options: CreateOptions,
): Promise<{ readonly record: ContainerRecord; readonly warnings: readonly string[] }> {
  const id = newContainerId();
  const name = spec.name ?? generateName((candidate) => findByName(room, candidate) !== undefined);
  requireFreeName(room, name);
  const image = await obtainImage(room, spec, options);
  const config = decideConfig(room, id, spec, image);
  throwIfAborted(options.signal);
  const record: ContainerRecord = {
    ...{ id, name, imageId: image.record.id, config },
    createdAt: Math.round(room.system.clock.nowMs()),
    state: 'created',
    ...{ pid: 0, pidStartTime: 0, conmonPid: 0, conmonStartTime: 0 },
    ...{ startedAt: undefined, finishedAt: undefined, exitCode: undefined, oomKilled: false, error: '' },
    ...{ restartCount: 0, stoppedByUser: false, network: undefined, networkState: undefined },
    bootId: room.system.identity.bootId,
  };
  await put(room, record);
  return { record, warnings: config.warnings };
}

async function put(room: Room, record: ContainerRecord): Promise<void> {
  const { id, config } = record;
  using _lock = await room.state.lock('container', id);
  // The image cannot be removed before the record refers to it.
  using _imageLock = await room.state.lock('image', record.imageId);
  if (!room.state.images.find(record.imageId)) {
    throw new EngineError('not-found', `${config.imageName}: image not known (it was removed meanwhile)`, {
      details: { image: config.imageName },
    });
  }
  const volumes = missingVolumes(room, config.mounts);
  using operation = room.state.operations.begin('container.create', id, { volumes });
  try {
    await room.snapshots.createWritable(id, config.parentChainId);
    mkdirSync(room.paths.directory(id), { recursive: true, mode: 0o700 });
    await prepareVolumes(room, id, config.mounts);
    room.state.transaction(() => {
      room.state.containers.insert(record);
      appendEvent(room, record, 'create');
      endOperation(operation);
    });
  } catch (error) {
    try {
      await undoCreate(room, id, volumes);
    } catch {
      // Told is why it could not be created; the next engine undoes the rest.
      operation.keep();
    }
    throw error;
  }
}

/** Also the repair of a creation that was cut off: there is no record, so all that bears its id goes. */
export async function undoCreate(room: Room, id: ContainerId, volumes: readonly string[]): Promise<void> {
  room.snapshots.unmount(id);
  if (room.snapshots.exists(id)) await room.snapshots.remove(id);
  rmSync(room.paths.directory(id), { recursive: true, force: true });
  await unmakeVolumes(room, volumes);
  rmSync(room.paths.lockFile(id), { force: true });
}

async function obtainImage(room: Room, spec: ContainerSpec, { onProgress, signal }: CreateOptions): Promise<ResolvedImage> {
  const present = spec.pullPolicy === 'missing' && spec.platform === undefined ? room.images.find(spec.image) : undefined;
  return (
    present ??
    room.images.pull(spec.image, {
      policy: spec.pullPolicy,
      ...(spec.platform === undefined ? {} : { platform: spec.platform }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    })
  );
}

function findByName(room: Room, name: string): ContainerRecord | undefined {
  try {
    const record = room.state.containers.resolve(name);
    return record.name === name ? record : undefined;
  } catch (error) {
    if (isEngineError(error, 'not-found') || isEngineError(error, 'ambiguous')) return undefined;
    throw error;
  }
}

/** Before anything is pulled; the insertion decides. */
function requireFreeName(room: Room, name: string): void {
  const holder = findByName(room, name);
  if (!holder) return;
  throw new EngineError(
    'already-exists',
    `creating container storage: the container name "${name}" is already in use by ${holder.id}. You have to remove that container to be able to reuse that name: that name is already in use`,
    { fix: `choose another name, or remove it with \`selkie rm ${name}\``, details: { field: 'name', holder: holder.id } },
  );
}
