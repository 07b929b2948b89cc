import { existsSync } from 'node:fs';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { ContainerConfig, ContainerMount } from '../state/state.ts';
import type { CgroupManager } from './cgroup.ts';
import { bindOptions, tmpfsOptions } from './mount-options.ts';
import type { OciMount } from './oci-spec.ts';
import { initTarget } from './process.ts';

/** Files of the bundle that are laid over the image's; what is undefined stays the image's own. */
export interface SpecFiles {
  readonly hosts: string | undefined;
  readonly resolvConf: string | undefined;
  readonly hostname: string | undefined;
  readonly containerenv: string | undefined;
}

export interface MountContext {
  readonly config: Pick<EngineConfig, 'defaults'>;
  readonly system: Pick<System, 'identity' | 'cgroups' | 'mounts'>;
  readonly container: ContainerConfig;
  readonly files: SpecFiles;
  readonly initPath: string | undefined;
  readonly cgroupManager: CgroupManager;
  readonly deviceMounts: readonly OciMount[];
}

/**
 * All mounts in the order in which the runtime makes them: by depth, so that none hides one below it; of two at one place the
 * user's wins over the engine's.
 */
export function mountsFor(context: MountContext): OciMount[] {
  const { container } = context;
  const byTarget = new Map<string, OciMount>();
  const add = (mount: OciMount): unknown => byTarget.set(mount.destination, mount);
  kernelMounts(context).forEach(add);
  if (container.spec.readOnlyRootfs && container.spec.readOnlyTmpfs) ['/run', '/tmp', '/var/tmp'].map(scratch).forEach(add);
  fileMounts(context).forEach(add);
  context.deviceMounts.forEach(add);
  if (context.initPath !== undefined)
    add({ destination: initTarget, type: 'bind', source: context.initPath, options: ['bind', 'ro', 'rprivate'] });
  container.mounts.map(userMount).forEach(add);
  return [...byTarget.values()].sort((left, right) => depth(left) - depth(right));
}

function depth(mount: OciMount): number {
  return mount.destination.split('/').filter((part) => part !== '').length;
}

function scratch(destination: string): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['rw', 'rprivate', 'nosuid', 'nodev', 'tmpcopyup'] };
}

function userMount(mount: ContainerMount): OciMount {
  const destination = mount.target.replace(/\/+$/, '') || '/';
  if (mount.type === 'tmpfs') return { destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(mount) };
  return { destination, type: 'bind', source: mount.hostPath, options: bindOptions(mount) };
}

function fileMounts({ container, files }: MountContext): OciMount[] {
  const options = container.spec.readOnlyRootfs ? ['bind', 'rprivate', 'ro', 'nosuid', 'noexec', 'nodev'] : ['bind', 'rprivate'];
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['/etc/resolv.conf', files.resolvConf],
    ['/etc/hosts', files.hosts],
    ['/etc/hostname', files.hostname],
    ['/run/.containerenv', files.containerenv],
  ];
  return pairs.flatMap(([destination, source]) => (source === undefined ? [] : [{ destination, type: 'bind', source, options }]));
}

function kernelMounts(context: MountContext): OciMount[] {
  return [
    procMount(context),
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'] },
    sysMount(context),
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: devptsOptions(context) },
    ...mqueueMount(context),
    shmMount(context),
    ...cgroupMount(context),
  ];
}

/** It is in another user namespace than the host's. */
function isConfined(container: ContainerConfig, system: MountContext['system']): boolean {
  return system.identity.rootless || container.userNamespace !== undefined;
}

/** A user namespace may mount its own kind of proc only where it also owns the pid namespace. */
function procMount({ container, system }: MountContext): OciMount {
  const options = ['nosuid', 'noexec', 'nodev'];
  return container.spec.pid === 'host' && isConfined(container, system)
    ? { destination: '/proc', type: 'bind', source: '/proc', options: [...options, 'rbind'] }
    : { destination: '/proc', type: 'proc', source: 'proc', options };
}

/** A user namespace may mount sysfs only where it also owns the network namespace: with the host's network, the host's is bound. */
function sysMount({ container, system }: MountContext): OciMount {
  const options = ['rprivate', 'nosuid', 'noexec', 'nodev', container.spec.privileged ? 'rw' : 'ro'];
  return container.networkMode === 'host' && isConfined(container, system)
    ? { destination: '/sys', type: 'bind', source: '/sys', options: [...options, 'rbind'] }
    : { destination: '/sys', type: 'sysfs', source: 'sysfs', options };
}

/** Group 5 is tty everywhere; a user namespace that does not map it cannot name it. */
function devptsOptions({ container, system }: MountContext): string[] {
  const gidMap = container.userNamespace?.gids ?? system.identity.gidMap;
  const mapped = !isConfined(container, system) || gidMap.some((range) => range.containerId <= 5 && 5 < range.containerId + range.size);
  return ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(mapped ? ['gid=5'] : [])];
}

/** The host's message queues are those of its mount; a host without one has them nowhere, and a user cannot mount them there. */
function mqueueMount({ container, system }: MountContext): OciMount[] {
  const options = ['nosuid', 'noexec', 'nodev'];
  const destination = '/dev/mqueue';
  if (container.spec.ipc === 'private') return [{ destination, type: 'mqueue', source: 'mqueue', options }];
  if (existsSync(destination)) return [{ destination, type: 'bind', source: destination, options: ['bind', ...options] }];
  return isConfined(container, system) ? [] : [{ destination, type: 'mqueue', source: 'mqueue', options }];
}

function shmMount({ container, config }: MountContext): OciMount {
  const { spec } = container;
  const destination = '/dev/shm';
  if (spec.ipc === 'host')
    return { destination, type: 'bind', source: destination, options: ['bind', 'rprivate', 'nosuid', 'noexec', 'nodev'] };
  const size = spec.shmSizeBytes ?? config.defaults.shmSizeBytes;
  const options = ['rprivate', 'nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size}`];
  return { destination, type: 'tmpfs', source: 'shm', options };
}

/**
 * Where nobody makes a cgroup for the container there is none to show, and in v1 a user namespace may not mount one. The host's, which come
 * with its /sys and stay writable under a read-only bind, are covered.
 */
function cgroupMount({ container, system, cgroupManager }: MountContext): OciMount[] {
  const destination = '/sys/fs/cgroup';
  const access = container.spec.privileged ? 'rw' : 'ro';
  const options = ['rprivate', 'nosuid', 'noexec', 'nodev', 'relatime', access];
  if (cgroupManager !== 'disabled' || system.cgroups.version === 'v2') return [{ destination, type: 'cgroup', source: 'cgroup', options }];
  const hasHosts = container.networkMode === 'host' && isConfined(container, system) && !container.spec.privileged;
  return hasHosts
    ? [{ destination, type: 'tmpfs', source: 'tmpfs', options: ['ro', 'nosuid', 'noexec', 'nodev', 'size=4k', 'mode=555'] }]
    : [];
}
