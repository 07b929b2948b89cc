import type { MountedObject } from '../../contract/image.ts';
import { EngineError } from '../../base/errors.ts';
import { isActive, type Room } from './room.ts';

/** Mounts a container's tree until as many unmounts as mounts. Answers where, as the engine sees it. */
export async function mountContainer(room: Room, nameOrId: string): Promise<MountedObject> {
  const { id, name } = room.state.containers.resolve(nameOrId);
  return { id, names: [name], path: await room.trees.mount(id) };
}

/** A container that runs keeps its tree in any case. Answers false when nobody had mounted it. */
export async function unmountContainer(
  room: Room,
  nameOrId: string,
  force: boolean,
): Promise<{ readonly id: string; readonly wasMounted: boolean }> {
  const { id } = room.state.containers.resolve(nameOrId);
  return { id, wasMounted: await room.trees.unmount(id, { force }) };
}

/** All that are mounted, those that run too. */
export function mountedContainers(room: Room): MountedObject[] {
  const asked = new Set(room.trees.list().map(({ key }) => key));
  return room.state.containers
    .list()
    .filter((record) => asked.has(record.id) || isActive(record))
    .map(({ id, name }) => ({ id, names: [name], path: room.snapshots.mountPoint(id) }));
}

/** An image's tree, read-only. */
export async function mountImage(room: Room, nameOrId: string): Promise<MountedObject> {
  const { record } = room.images.resolve(nameOrId);
  const key = record.chainIds.at(-1);
  if (key === undefined) throw new EngineError('unsupported', `image ${nameOrId} has no layers: there is nothing to mount`);
  return { ...describe(record), path: await room.trees.mount(key) };
}

export async function unmountImage(
  room: Room,
  nameOrId: string,
  force: boolean,
): Promise<{ readonly id: string; readonly wasMounted: boolean }> {
  const { record } = room.images.resolve(nameOrId);
  const key = record.chainIds.at(-1);
  return { id: record.id, wasMounted: key !== undefined && (await room.trees.unmount(key, { force })) };
}

/** An image that is about to be removed: its mount goes first, as Podman has it, unless the removal will be refused or another image shows the same tree. */
export async function releaseImage(room: Room, nameOrId: string): Promise<void> {
  const found = room.images.find(nameOrId);
  const key = found?.record.chainIds.at(-1);
  if (!found || key === undefined || room.trees.count(key) === 0) return;
  const { id, names } = found.record;
  const shared = room.images.list().some((other) => other.id !== id && !other.list && other.chainIds.at(-1) === key);
  if (shared || names.length > 1 || room.state.containers.countByImage(id) > 0) return;
  await room.trees.unmount(key, { force: true });
}

export function mountedImages(room: Room): MountedObject[] {
  const paths = new Map(room.trees.list().map(({ key, path }) => [key, path]));
  return room.images.list().flatMap((record) => {
    if (record.list) return [];
    const path = paths.get(record.chainIds.at(-1) ?? '');
    return path === undefined ? [] : [{ ...describe(record), path }];
  });
}

function describe({ id, names, manifestDigest }: ReturnType<Room['images']['list']>[number]): Omit<MountedObject, 'path'> {
  return { id, names: [...names], ...(manifestDigest === undefined ? {} : { digest: manifestDigest }) };
}
