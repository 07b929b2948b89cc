import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, statSync } from 'node:fs';
import { isAbsolute, posix } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec, MountSpec } from '../../contract/container-spec.ts';
import type { ImageConfig } from '../../contract/image.ts';
import type { ContainerConfig, ContainerMount } from '../state/state.ts';
import { ownerOf } from './mapped-owner.ts';
import { removeVolumes } from './remove.ts';
import type { Room } from './room.ts';

/** The user's mounts, then a volume (or tmpfs) of its own for each VOLUME of the image that the user's leave uncovered. */
export function resolveMounts(room: Room, spec: ContainerSpec, image: ImageConfig): ContainerMount[] {
  const mounts = spec.mounts.map((mount) => resolveMount(room, mount));
  const targets = new Set<string>();
  for (const { target } of mounts) {
    if (targets.has(target)) {
      throw new EngineError('invalid-argument', `${target}: duplicate mount destination`, { details: { field: 'mounts', target } });
    }
    targets.add(target);
  }
  if (room.config.imageVolume === 'ignore') return mounts;
  const type = room.config.imageVolume === 'tmpfs' ? 'tmpfs' : 'volume';
  for (const volume of image.volumes) {
    const target = normalizeTarget(volume);
    if (targets.has(target) || target === '/') continue;
    targets.add(target);
    mounts.push(resolveMount(room, { type, source: '', target, readOnly: false, options: [] }));
  }
  return mounts;
}

function resolveMount(room: Room, mount: MountSpec): ContainerMount {
  const target = normalizeTarget(mount.target);
  const base = { type: mount.type, target, readOnly: mount.readOnly, options: mount.options } as const;
  switch (mount.type) {
    case 'tmpfs':
      return { ...base, source: '', hostPath: '', volumeName: '', anonymous: false };
    case 'bind':
      requireSource(mount.source);
      return { ...base, source: mount.source, hostPath: mount.source, volumeName: '', anonymous: false };
    case 'volume': {
      // Named here, so that the journal knows it before it is made.
      const volumeName = mount.source === '' ? randomBytes(32).toString('hex') : mount.source;
      return { ...base, source: volumeName, hostPath: room.volumes.path(volumeName), volumeName, anonymous: mount.source === '' };
    }
  }
}

function normalizeTarget(target: string): string {
  const path = posix.normalize(target);
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function requireSource(source: string): void {
  if (!isAbsolute(source)) {
    throw new EngineError('invalid-argument', `the source of a bind mount has to be an absolute path: "${source}"`, {
      details: { field: 'mounts' },
    });
  }
  try {
    statSync(source);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new EngineError('not-found', `statfs ${source}: no such file or directory`, {
        fix: 'create the folder on the host first, or name a volume instead of a path',
        details: { field: 'mounts', source },
      });
    }
    if (code === 'EACCES') throw new EngineError('denied', `statfs ${source}: permission denied`, { details: { field: 'mounts', source } });
    throw error;
  }
}

/**
 * Volumes that a creation would make: what undoing it removes again. One whose folder is there without a record (of a lost database) is
 * somebody's data and not among them.
 */
export function missingVolumes(room: Room, mounts: readonly ContainerMount[]): string[] {
  const names = mounts.filter(({ volumeName, hostPath }) => volumeName !== '' && !room.volumes.find(volumeName) && !existsSync(hostPath));
  return [...new Set(names.map(({ volumeName }) => volumeName))];
}

/** The volume room makes a folder before its record: a creation that was cut off in between has left a folder that no record leads to. */
export async function unmakeVolumes(room: Room, names: readonly string[]): Promise<void> {
  for (const name of names) if (existsSync(room.volumes.path(name))) await room.volumes.ensure(name, { anonymous: true });
  await removeVolumes(room, names);
}

/** Makes the volumes that are missing, and has those that are used for the first time filled with what the image has at their place (unless `nocopy`). */
export async function prepareVolumes(room: Room, id: string, config: ContainerConfig, made: readonly string[]): Promise<void> {
  const volumes = config.mounts.filter(({ type }) => type === 'volume');
  for (const { volumeName, anonymous } of volumes) await room.volumes.ensure(volumeName, { anonymous });
  const filled = volumes.filter(({ options }) => !options.includes('nocopy'));
  if (filled.length === 0 && (volumes.length === 0 || !config.userNamespace)) return;
  const rootfs = room.snapshots.mount(id);
  try {
    if (config.userNamespace) {
      const owner = ownerOf(room, config, rootfs);
      for (const { volumeName, hostPath } of volumes) if (made.includes(volumeName)) chownSync(hostPath, owner.uid, owner.gid);
    }
    for (const { volumeName, target } of filled) await room.volumes.populate(volumeName, rootfs, target);
  } finally {
    room.snapshots.unmount(id);
  }
}
