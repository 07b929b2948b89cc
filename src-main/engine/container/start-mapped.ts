/** What a start does besides for a container with a user namespace of its own. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { toContainer, toHost } from '../snapshot/snapshot.ts';
import type { ContainerConfig, ContainerRecord, ContainerUserNamespace } from '../state/state.ts';
import { isActive, isProcessAlive, titleOf, type Room } from './room.ts';

/** Larger is no file of users. */
const maxFileBytes = 4 * 1024 * 1024;

/**
 * The namespace that the container will be in, made before its network, which has to belong to it: else its root could neither set that up nor use a
 * port below 1024. The path is valid until the disposal; by then the runtime is in it.
 */
export async function openUserNamespace(
  room: Room,
  own: ContainerUserNamespace,
): Promise<{ readonly descriptor: number; readonly path: string } & Disposable> {
  const { descriptor, [Symbol.dispose]: dispose } = await openDescriptor(room, own);
  return { descriptor, path: `/proc/${String(process.pid)}/fd/${String(descriptor)}`, [Symbol.dispose]: dispose };
}

async function openDescriptor(room: Room, own: ContainerUserNamespace): Promise<{ readonly descriptor: number } & Disposable> {
  if (own.path !== undefined) {
    const { openPath } = await import('./user-namespace-path.ts');
    return await openPath(room, own, own.path);
  }
  if (own.joins === undefined) return room.system.namespaces.openUser(own.uids, own.gids);
  const descriptor = openSync(pathOf(room, own.joins), constants.O_RDONLY);
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

/** Before the runtime sees it. */
export function prepareTree(
  room: Room,
  { id, config }: Pick<ContainerRecord, 'id' | 'config'>,
  own: ContainerUserNamespace,
  rootfs: string,
): void {
  openWay(room, own, id, rootfs);
  if (own.keeps) nameUser(room, config, own.keeps, rootfs);
}

/**
 * The runtime mounts as the container's root, who is nobody to our folders: those on the way to its tree let it pass, and only what is its own can be
 * entered knowing a name. Those above the run root are not ours to change.
 */
function openWay(room: Room, own: ContainerUserNamespace, id: string, rootfs: string): void {
  const { runRoot } = room.config;
  const group = toHost(own.gids, 0);
  for (const folder of [runRoot, dirname(dirname(rootfs)), room.paths.bundles]) chmodSync(folder, 0o711);
  for (const folder of [dirname(rootfs), room.paths.bundle(id)]) {
    if (group !== undefined) chownSync(folder, 0, group);
    chmodSync(folder, group === undefined ? 0o711 : 0o710);
  }
  for (let folder = dirname(runRoot); folder !== '/'; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    if ((mode & 1) !== 0 || (toContainer(own.uids, uid) !== undefined && toContainer(own.gids, gid) !== undefined)) continue;
    throw new EngineError('denied', `the root of the container cannot pass ${folder} on the way to its files: others may not enter it`, {
      fix: `let others pass: chmod o+x ${folder}; or use --userns=keep-id, or a --runroot elsewhere`,
      details: { folder },
    });
  }
}

function pathOf(room: Room, id: NonNullable<ContainerUserNamespace['joins']>): string {
  const other = room.state.containers.find(id);
  if (other && isActive(other) && isProcessAlive(room, other)) return `/proc/${String(other.pid)}/ns/user`;
  const name = other ? titleOf(other) : `container ${id.slice(0, 12)}, which was removed`;
  throw new EngineError('wrong-state', `the user namespace to join is that of ${name}: it does not run`, {
    ...(other ? { fix: `start it first: selkie start ${other.name}` } : {}),
    details: { container: id },
  });
}

/** Programs look up who they run as: the image's passwd and group get lines for the user that was kept, as Podman has it. */
function nameUser(
  room: Room,
  config: ContainerConfig,
  { uid, gid, same }: NonNullable<ContainerUserNamespace['keeps']>,
  rootfs: string,
): void {
  if (uid === 0) return;
  const { identity } = room.system;
  const name = same ? identity.userName : String(uid);
  const home = posix.normalize(config.spec.workingDirectory ?? (config.imageConfig.workingDirectory || '/'));
  const words = same ? '' : 'container user';
  addLine(room, rootfs, '/etc/passwd', uid, `${name}:*:${String(uid)}:${String(gid)}:${words}:${home}:/bin/sh`);
  const group = same ? name : String(gid);
  addLine(room, rootfs, '/etc/group', gid, `${group}:x:${String(gid)}:${name}`);
}

/** Unless one of its lines has the id in the third field. A file that is missing or none is left alone. */
function addLine(room: Room, rootfs: string, path: string, id: number, line: string): void {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;
  let file: number;
  try {
    file = room.system.attributes.openInRoot(rootfs, path, flags);
  } catch (error) {
    if (isEngineError(error)) return;
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > maxFileBytes) return;
    const text = readFileSync(file, 'utf8');
    if (text.split('\n').some((other) => other.split(':')[2] === String(id))) return;
    writeSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
  } finally {
    closeSync(file);
  }
}
