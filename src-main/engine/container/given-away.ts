/** The mount option U: who runs in the container owns what is mounted there. */
import type { ContainerConfig, ContainerMount } from '../state/state.ts';
import { ownerOf } from './mapped-owner.ts';
import type { Room } from './room.ts';

export function isGivenAway({ type, options }: ContainerMount): boolean {
  return type !== 'tmpfs' && options.includes('U');
}

/** At each start, as Podman does it: others may have put something there. */
export async function giveAway(room: Room, config: ContainerConfig, rootfs: string): Promise<void> {
  const { changeOwners } = await import('./change-owner.ts');
  const owner = ownerOf(room, config, rootfs);
  for (const { hostPath } of config.mounts.filter(isGivenAway)) await changeOwners(hostPath, owner);
}
