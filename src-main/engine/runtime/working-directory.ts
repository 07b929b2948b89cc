import { closeSync, constants, fchmodSync, fchownSync, mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { IdRange, System } from '../../system/system.ts';
import type { ContainerConfig } from '../state/state.ts';
import { workingDirectoryOf } from './process.ts';
import type { ResolvedUser } from './user.ts';

type Owner = Pick<ResolvedUser, 'uid' | 'gid'>;
type Attributes = Pick<System['attributes'], 'openInRoot'>;

/**
 * The working directory before the start, as Podman has it: one that the user named has to exist (`runtime-failed`, status 126); one that the
 * image names is made, for the container's user. What lies under a mount is looked for in the mount's source, which is never written to.
 */
export function ensureWorkingDirectory(
  attributes: Attributes,
  container: { readonly id: string; readonly config: ContainerConfig },
  rootfs: string,
  user: Owner,
): void {
  const { config } = container;
  const path = posix.normalize(workingDirectoryOf(config));
  if (path === '/') return;
  const mount = config.mounts
    .filter(({ target }) => path === target || path.startsWith(`${target.replace(/\/+$/, '')}/`))
    .sort((left, right) => right.target.length - left.target.length)[0];
  if (mount?.type === 'tmpfs') return;
  const root = mount ? mount.hostPath : rootfs;
  const inside = mount ? path.slice(mount.target.replace(/\/+$/, '').length) || '/' : path;
  if (exists(attributes, root, inside)) return;
  if (config.spec.workingDirectory !== undefined)
    throw new EngineError('runtime-failed', `workdir "${path}" does not exist on container ${container.id}`, {
      fix: 'Name a folder that is in the image, or mount one there.',
      details: { field: 'workingDirectory' },
    });
  if (!mount) make(attributes, rootfs, inside, (who) => hostOwner(config, who), user);
}

/** As the engine sees it, of what the container sees. What has no place in its user namespace stays the engine's. */
export function hostOwner({ userNamespace }: Pick<ContainerConfig, 'userNamespace'>, { uid, gid }: Owner): Owner {
  if (!userNamespace) return { uid, gid };
  return { uid: toOutside(userNamespace.uids, uid), gid: toOutside(userNamespace.gids, gid) };
}

function toOutside(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range ? range.hostId + (id - range.containerId) : 0;
}

/** Whether something is there; that it is a folder is for the runtime to find out. */
function exists(attributes: Attributes, root: string, path: string): boolean {
  try {
    closeSync(attributes.openInRoot(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
    return true;
  } catch (error) {
    if (isEngineError(error, 'not-found')) return false;
    if (isEngineError(error)) return true;
    throw error;
  }
}

/** Folder by folder from the root, each opened inside it: no symlink of the image leads out. */
function make(attributes: Attributes, root: string, path: string, ownerOf: (user: Owner) => Owner, user: Owner): void {
  const parts = path.split('/').filter((part) => part !== '');
  for (let index = 1; index <= parts.length; index++) {
    const folder = `/${parts.slice(0, index).join('/')}`;
    if (exists(attributes, root, folder)) continue;
    const parent = attributes.openInRoot(root, posix.dirname(folder), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      mkdirSync(`/proc/self/fd/${parent}/${posix.basename(folder)}`, 0o755);
    } finally {
      closeSync(parent);
    }
    own(attributes, root, folder, ownerOf(index === parts.length ? user : { uid: 0, gid: 0 }));
  }
}

function own(attributes: Attributes, root: string, folder: string, user: Owner): void {
  const made = attributes.openInRoot(root, folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    // Whatever our own umask is.
    fchmodSync(made, 0o755);
    fchownSync(made, user.uid, user.gid);
  } finally {
    closeSync(made);
  }
}
