import { hostOwner, resolveUser, userOf } from '../runtime/runtime.ts';
import type { ContainerConfig } from '../state/state.ts';
import type { Room } from './room.ts';

/** As the engine sees it, the user that the container's first process runs as. */
export function ownerOf(room: Room, config: ContainerConfig, rootfs: string): { readonly uid: number; readonly gid: number } {
  return hostOwner(config, resolveUser(room.system.attributes, rootfs, userOf(config), []));
}
