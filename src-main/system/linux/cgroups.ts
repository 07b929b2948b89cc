import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroups, CgroupUsage, CgroupVersion, Identity, MountEntry } from '../system.ts';
import { usageOfTree } from './process-tree.ts';
import { readUsageV1, readUsageV2 } from './cgroup-usage.ts';

const root = '/sys/fs/cgroup';
const cgroup2Magic = 0x63677270;

export function linuxCgroups(identity: Identity, listMounts: () => MountEntry[]): Cgroups {
  const version = detectVersion();
  let hierarchies: ReadonlyMap<string, MountEntry> | undefined;
  const hierarchyOf = (controller: string) => (hierarchies ??= controllersOf(listMounts())).get(controller);

  const cgroups: Cgroups = {
    version,

    availableControllers() {
      if (version === 'none') return [];
      const own = cgroups.pathsOf(process.pid);
      if (version === 'v2') return controllersV2(identity, own.get('') ?? '/');
      hierarchies ??= controllersOf(listMounts());
      return [...hierarchies]
        .filter(
          ([name, mount]) =>
            !name.startsWith('name=') && isWritable(identity.rootless ? inHierarchy(mount, own.get(name)) : mount.mountPoint),
        )
        .map(([name]) => name);
    },

    pathsOf: (pid) => parseCgroupFile(readTextOr(`/proc/${pid}/cgroup`)),

    usageOf(pid) {
      const paths = cgroups.pathsOf(pid);
      if (paths.size === 0) return undefined;
      // Without a cgroup of its own (rootless without delegation) a container sits in ours: then its processes are counted.
      if (samePaths(paths, cgroups.pathsOf(process.pid))) return usageOfTree(pid);
      let usage: CgroupUsage | undefined;
      if (version === 'v2') usage = readUsageV2(join(root, paths.get('') ?? '/'));
      else if (version !== 'none') {
        usage = readUsageV1((controller) => {
          const mount = hierarchyOf(controller);
          return mount === undefined ? undefined : inHierarchy(mount, paths.get(controller));
        });
      }
      return usage ?? usageOfTree(pid);
    },
  };
  return cgroups;
}

function detectVersion(): CgroupVersion {
  const type = fileSystemType(root);
  if (type === undefined) return 'none';
  if (type === cgroup2Magic) return 'v2';
  if (fileSystemType(`${root}/unified`) === cgroup2Magic) return 'hybrid';
  return readTextOr('/proc/self/cgroup')
    .split('\n')
    .some((line) => /^[1-9]\d*:[^:]+:/.test(line))
    ? 'v1'
    : 'none';
}

function fileSystemType(path: string): number | undefined {
  try {
    return statfsSync(path).type;
  } catch {
    return undefined;
  }
}

/** What systemd delegated to the user's manager, else what the cgroup that we sit in and may write to has. */
function controllersV2(identity: Identity, ownPath: string): string[] {
  const candidates = identity.rootless
    ? [
        `${root}/user.slice/user-${identity.hostUid}.slice/user@${identity.hostUid}.service`,
        join(root, ownPath, '..'),
        join(root, ownPath),
      ].filter(isWritable)
    : [root];
  const folder = candidates[0];
  if (folder === undefined) return [];
  return readTextOr(join(folder, 'cgroup.controllers')).trim().split(/\s+/).filter(Boolean);
}

function controllersOf(mounts: readonly MountEntry[]): Map<string, MountEntry> {
  const known = readTextOr('/proc/cgroups')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t')[0] ?? '');
  const result = new Map<string, MountEntry>();
  for (const mount of mounts) {
    if (mount.type !== 'cgroup') continue;
    for (const option of mount.superOptions) {
      if (known.includes(option) || option.startsWith('name=')) result.set(option, mount);
    }
  }
  return result;
}

/** The folder of a cgroup in a mounted hierarchy, which may show only a part of it. */
function inHierarchy(mount: MountEntry, path = '/'): string {
  const inside = mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
  return join(mount.mountPoint, inside);
}

/** Lines of cgroups(7): hierarchy id, controllers, path. Key '' is the v2 hierarchy. */
export function parseCgroupFile(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    for (const controller of (match[1] ?? '').split(',')) paths.set(controller, match[2] ?? '/');
  }
  return paths;
}

function samePaths(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return [...left].every(([controller, path]) => right.get(controller) === path);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readTextOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
