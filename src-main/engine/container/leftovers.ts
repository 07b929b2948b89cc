import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ContainerId } from '../../contract/ids.ts';
import type { Room } from './room.ts';

/** What of a container was found in the run root. */
export type LeftoverKind = 'mount' | 'runtime' | 'network-namespace' | 'bundle' | 'exit-file';

export const leftoverWords: Readonly<Record<LeftoverKind, string>> = {
  mount: 'a mounted root file system',
  runtime: "a container in the runtime's list",
  'network-namespace': 'a network namespace',
  bundle: 'run-time files',
  'exit-file': 'an exit code that nobody had read',
};

/** All containers that have something in the run root, running ones too; one listing of each folder. */
export function findTraces(room: Room): Map<ContainerId, LeftoverKind[]> {
  const found = new Map<ContainerId, LeftoverKind[]>();
  const add = (kind: LeftoverKind, ids: readonly string[]): void => {
    for (const id of ids) found.set(id as ContainerId, [...(found.get(id as ContainerId) ?? []), kind]);
  };
  const { runRoot } = room.config;
  add('runtime', idsIn(join(runRoot, 'oci')));
  add('network-namespace', idsIn(dirname(room.paths.networkNamespace('0'))));
  add('bundle', idsIn(room.paths.bundles));
  add('exit-file', idsIn(room.paths.exits));
  add('mount', mountedIds(room));
  return found;
}

function mountedIds(room: Room): string[] {
  const prefix = `${dirname(dirname(room.snapshots.mountPoint('0')))}/`;
  return room.system.mounts.list().flatMap(({ mountPoint }) => {
    const id = mountPoint.startsWith(prefix) ? mountPoint.slice(prefix.length).split('/')[0] : undefined;
    return id !== undefined && isContainerId(id) && !room.trees.isNeeded(id) ? [id] : [];
  });
}

export function idsIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter(isContainerId);
  } catch {
    return [];
  }
}

function isContainerId(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
