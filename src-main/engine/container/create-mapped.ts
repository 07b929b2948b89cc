/** A container with a user namespace of its own: its ids, and what its files lie on. */
import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { Digest } from '../../contract/ids.ts';
import type { IdRange } from '../../system/system.ts';
import type { IdMapping } from '../snapshot/snapshot.ts';
import type { ContainerConfig, ContainerRecord, ContainerUserNamespace } from '../state/state.ts';
import type { CreateOptions } from './create.ts';
import type { Room } from './room.ts';
import { planUserNamespace, type UserNamespacePlan } from './user-namespace.ts';

export function planFor(room: Room, spec: ContainerSpec, { imageConfig, parentChainId }: ContainerConfig): Promise<UserNamespacePlan> {
  return planUserNamespace(room, spec, {
    imageUser: imageConfig.user,
    rootfs: async () => (parentChainId === undefined ? undefined : room.trees.hold(parentChainId)),
  });
}

/** Of all containers, those that are being made too. What is in the trash has given its ids back. */
export function usedIds({ state }: Room): ContainerUserNamespace[] {
  const records = state.containers.list().map(({ config }) => config.userNamespace);
  const begun = state.operations.list().map(({ kind, details }) => (kind === 'container.create' ? details['userNamespace'] : undefined));
  return [...records, ...(begun as (ContainerUserNamespace | undefined)[])].filter((one) => one !== undefined);
}

/**
 * `auto` promises that no other `auto` has the same ids, and the files of a container that comes back have those that it got. In the transaction that
 * brings it back. Errors: `in-use`.
 */
export function requireOwnIds(room: Room, { id, name, config }: ContainerRecord): void {
  const own = config.userNamespace;
  if (own?.mode !== 'auto') return;
  const clashes = (other: ContainerUserNamespace | undefined): boolean =>
    other?.mode === 'auto' && (overlap(own.uids, other.uids) || overlap(own.gids, other.gids));
  if (!usedIds(room).some(clashes)) return;
  const holder = room.state.containers.list().find((other) => clashes(other.config.userNamespace));
  const who = holder ? `those of container ${holder.name}` : 'being given to another container';
  throw new EngineError('in-use', `container ${name} cannot come back: the ids that --userns=auto chose for it are ${who} by now`, {
    fix: holder ? `remove ${holder.name} first: selkie rm --no-trash ${holder.name}` : 'try it again in a moment',
    details: { container: id, ...(holder ? { holder: holder.id } : {}) },
  });
}

function overlap(some: readonly IdRange[], others: readonly IdRange[]): boolean {
  return some.some((one) => others.some((other) => one.hostId < other.hostId + other.size && other.hostId < one.hostId + one.size));
}

/**
 * What the writable snapshot is made over, and how. Where mounts translate owners, the layer itself; else a copy with other owners, which may take as long as a
 * copy of the image.
 */
export async function mappedGround(
  room: Room,
  { config }: ContainerRecord,
  { uids, gids }: ContainerUserNamespace,
  { signal, onProgress }: CreateOptions,
): Promise<{ readonly parent: string | undefined; readonly mapping?: IdMapping }> {
  const { snapshots, trees } = room;
  const parent: Digest | undefined = config.parentChainId;
  const mapping = { uids, gids };
  if (isIdentity(mapping)) return { parent };
  // What is translated at a mount is this store's folder: of files that are elsewhere there is a copy.
  if (snapshots.mappedMounts().works && !(parent !== undefined && snapshots.isBorrowed(parent))) return { parent, mapping };
  // An empty tree has no owners to be changed but its root's.
  if (parent === undefined) return { parent };
  // What copies it is another process, and has not what we have open.
  await using _held = await trees.hold(parent);
  const digest = parent;
  const tell = (state: 'copying' | 'done', entries: number): void => onProgress?.({ kind: 'mapping', digest, state, entries });
  tell('copying', 0);
  let last = 0;
  const key = await snapshots.ensureMappedCopy(parent, snapshots.mountPoint(parent), mapping, {
    signal,
    onProgress: (entries) => {
      last = entries;
      tell('copying', entries);
    },
  });
  tell('done', last);
  return { parent: key };
}

/** All ids are what they are. */
function isIdentity({ uids, gids }: IdMapping): boolean {
  return [...uids, ...gids].every(({ containerId, hostId }) => containerId === hostId);
}
