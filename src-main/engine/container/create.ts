import { mkdirSync, rmSync } from 'node:fs';
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ResolvedImage } from '../image/image.ts';
import { checkIdmap } from '../runtime/runtime.ts';
import type { ContainerRecord, Operation } from '../state/state.ts';
import { decideConfig } from './create-config.ts';
import { mappedGround, planFor, usedIds } from './create-mapped.ts';
import { missingVolumes, prepareVolumes, unmakeVolumes } from './create-mounts.ts';
import { generateName, newContainerId } from './names.ts';
import { appendEvent, endOperation, type Room } from './room.ts';
import { wantsUserNamespace, type UserNamespacePlan } from './user-namespace.ts';

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
  const mapped = wantsUserNamespace(room, spec);
  const image = await obtainImage(room, spec, options);
  const config = decideConfig(room, id, spec, image);
  for (const mount of config.mounts)
    checkIdmap(mount, { mapped, rootless: room.system.identity.rootless, runtime: () => room.runtime.name });
  const plan = mapped ? await planFor(room, spec, config) : undefined;
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
  const made = await put(room, record, plan, options);
  return { record: made, warnings: config.warnings };
}

async function put(
  room: Room,
  draft: ContainerRecord,
  plan: UserNamespacePlan | undefined,
  options: CreateOptions,
): Promise<ContainerRecord> {
  const { id } = draft;
  using _lock = await room.state.lock('container', id);
  const volumes = missingVolumes(room, draft.config.mounts);
  const { record, operation: begun } = begin(room, draft, plan, volumes);
  using operation = begun;
  const { config } = record;
  try {
    const ground = config.userNamespace
      ? await mappedGround(room, record, config.userNamespace, options)
      : { parent: config.parentChainId };
    // The image cannot be removed before the record refers to it.
    using _imageLock = await room.state.lock('image', record.imageId);
    if (!room.state.images.find(record.imageId)) {
      throw new EngineError('not-found', `${config.imageName}: image not known (it was removed meanwhile)`, {
        details: { image: config.imageName },
      });
    }
    await room.snapshots.createWritable(id, ground.parent, ground.mapping);
    mkdirSync(room.paths.directory(id), { recursive: true, mode: 0o700 });
    await prepareVolumes(room, id, config, volumes);
    room.state.transaction(() => {
      room.state.containers.insert(record);
      appendEvent(room, record, 'create');
      endOperation(operation);
    });
    return record;
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

/** The ids of a user namespace are chosen in the transaction of the journal entry that keeps them for it until there is a record. */
function begin(
  room: Room,
  draft: ContainerRecord,
  plan: UserNamespacePlan | undefined,
  volumes: readonly string[],
): { readonly record: ContainerRecord; readonly operation: Operation } {
  const { state } = room;
  if (!plan) return { record: draft, operation: state.operations.begin('container.create', draft.id, { volumes }) };
  return state.transaction(() => {
    const userNamespace = plan(() => usedIds(room));
    const operation = state.operations.begin('container.create', draft.id, { volumes, userNamespace });
    return { record: { ...draft, config: { ...draft.config, userNamespace } }, operation };
  });
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
