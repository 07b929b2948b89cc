import { existsSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';

export type CgroupManager = 'systemd' | 'cgroupfs' | 'disabled';

type Host = Pick<System, 'cgroups' | 'identity'>;

/**
 * Who makes the container's cgroup here. What the configuration names is taken if it can work; without a word of it, systemd where
 * it runs (for a user: with a session bus and cgroup v2), else cgroupfs. A rootless engine can make no cgroup in v1, nor in v2
 * where nothing was delegated: then none is made, and limits are refused by name.
 */
export function cgroupManagerFor(config: Pick<EngineConfig, 'cgroupManager'>, system: Host): CgroupManager {
  const { version } = system.cgroups;
  if (version === 'none') return 'disabled';
  if (!system.identity.rootless) return config.cgroupManager ?? (existsSync('/run/systemd/system') ? 'systemd' : 'cgroupfs');
  if (version !== 'v2') return 'disabled';
  if (config.cgroupManager !== 'cgroupfs' && userManagerRuns(system)) return 'systemd';
  return controllersOf(system).length > 0 ? 'cgroupfs' : 'disabled';
}

const controllers = new WeakMap<object, readonly string[]>();

/** Looked up once: it costs a dozen system calls, and what was delegated to a process does not change under it. */
function controllersOf({ cgroups }: Host): readonly string[] {
  const known = controllers.get(cgroups) ?? cgroups.availableControllers();
  controllers.set(cgroups, known);
  return known;
}

function userManagerRuns(system: Host): boolean {
  return existsSync(`/run/user/${system.identity.hostUid}/systemd/private`) || existsSync(`/run/user/${system.identity.hostUid}/bus`);
}

/** linux.cgroupsPath: SLICE:PREFIX:NAME for systemd, an absolute path for cgroupfs; undefined: none. */
export function cgroupsPath(manager: CgroupManager, id: string, system: Host): string | undefined {
  if (manager === 'disabled') return undefined;
  if (manager === 'systemd') return `${system.identity.rootless ? 'user' : 'machine'}.slice:selkie:${id}`;
  // A user owns no more of the tree than what was delegated: the cgroup that the engine itself is in.
  const own = system.identity.rootless ? (system.cgroups.pathsOf(process.pid).get('') ?? '') : '';
  // No folder of ours above it: the runtime removes the container's alone, and what stays behind is a leak.
  return `${own === '/' ? '' : own}/selkie-${id}`;
}

const cgroupNames: Readonly<Record<string, readonly string[]>> = { blkio: ['blkio', 'io'], cpu: ['cpu'], memory: ['memory'] };

/** Throws `unsupported` when an option needs a controller in which we cannot set limits. */
export function requireController(option: string, controller: string, manager: CgroupManager, system: Host): void {
  if (controllerAvailable(controller, manager, system)) return;
  const { version } = system.cgroups;
  const reason = !system.identity.rootless
    ? `the ${controller} controller is not available in this host's cgroups (${version})`
    : version === 'v2'
      ? `the ${controller} controller is not delegated to your user`
      : `a rootless engine cannot set limits in cgroup ${version === 'none' ? '(none mounted)' : version}`;
  throw new EngineError('unsupported', `${option} cannot be enforced: ${reason}`, {
    fix: fixFor(controller, system),
    details: { option, controller },
  });
}

export function controllerAvailable(controller: string, manager: CgroupManager, system: Host): boolean {
  if (manager === 'disabled') return false;
  const available = controllersOf(system);
  return (cgroupNames[controller] ?? [controller]).some((name) => available.includes(name));
}

function fixFor(controller: string, system: Host): string {
  if (!system.identity.rootless) return `Boot a kernel with the ${controller} controller, or leave the option out.`;
  return system.cgroups.version === 'v2'
    ? `Delegate it: Delegate=${controller} in /etc/systemd/system/user@.service.d/delegate.conf, then log in again; or leave the option out.`
    : 'Boot with systemd.unified_cgroup_hierarchy=1, run as root, or leave the option out.';
}
