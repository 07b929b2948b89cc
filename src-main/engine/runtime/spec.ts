import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { IdRange, System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { capabilitiesFor, loadSeccomp, maskedPathsFor, parseSecurityOptions, type SecurityOptions } from '../security/security.ts';
import type { ContainerRecord } from '../state/state.ts';
import { type CgroupManager, cgroupManagerFor, cgroupsPath } from './cgroup.ts';
import { type DevicePlan, planDevices } from './devices.ts';
import { checkMountOptions } from './mount-options.ts';
import { mountsFor, type SpecFiles } from './mounts.ts';
import type { OciLinux, OciNamespace, OciResources, OciSpec } from './oci-spec.ts';
import { containerProcess, userOf, type TerminalSize } from './process.ts';
import { resourcesFor } from './resources.ts';
import { rlimitsFor } from './rlimits.ts';
import { sysctlsFor } from './sysctl.ts';
import { resolveUser, type ResolvedUser } from './user.ts';

export { ensureWorkingDirectory, hostOwner } from './working-directory.ts';

type SpecSystem = Pick<System, 'attributes' | 'cgroups' | 'files' | 'identity' | 'mounts' | 'processes'>;

export interface RuntimeSpecInput {
  readonly config: EngineConfig;
  readonly system: SpecSystem;
  readonly container: Pick<ContainerRecord, 'id' | 'name' | 'createdAt' | 'config'>;
  /** The mounted root file system. */
  readonly rootfs: string;
  readonly files: SpecFiles;
  /** A network namespace to join; undefined with a mode other than host: a new, empty one. */
  readonly sandboxPath: string | undefined;
  /** A user namespace to join, of a container that has one; undefined: a new one. */
  readonly userNamespacePath?: string | undefined;
  /** The terminal's first size. */
  readonly size?: TerminalSize | undefined;
}

export interface RuntimeSpec {
  readonly spec: OciSpec;
  readonly user: ResolvedUser;
  readonly warnings: readonly string[];
}

/** The whole config.json. Reads the image's passwd and group, changes nothing. */
export function buildRuntimeSpec(input: RuntimeSpecInput): RuntimeSpec {
  const { config, system, container, rootfs } = input;
  const { spec } = container.config;
  const warnings = new Set<string>();
  const warn = (message: string): unknown => warnings.add(message);
  const manager = cgroupManagerFor(config, system);
  const user = resolveUser(system.attributes, rootfs, userOf(container.config), spec.groupAdd);
  const security = parseSecurityOptions(spec.securityOptions, system);
  const devices = planDevices(spec.devices, { privileged: spec.privileged, rootless: system.identity.rootless });
  const process = containerProcess({ config, system, container: container.config, user, security, size: input.size, warn });
  return {
    user,
    warnings: [...warnings],
    spec: {
      ociVersion: '1.0.2',
      process,
      root: { path: rootfs, ...(spec.readOnlyRootfs ? { readonly: true } : {}) },
      ...(spec.uts === 'private' ? { hostname: container.config.hostname } : {}),
      mounts: mountsFor({
        ...{ config, system, container: container.config, files: input.files },
        ...{ initPath: initPathFor(config, system, spec), cgroupManager: manager, deviceMounts: devices.mounts },
      }),
      annotations: annotationsFor(container, user),
      linux: linuxPart(input, { manager, security, devices, bounding: process.capabilities.bounding }),
    },
  };
}

interface LinuxContext {
  readonly manager: CgroupManager;
  readonly security: SecurityOptions;
  readonly devices: DevicePlan;
  readonly bounding: readonly string[];
}

function linuxPart(input: RuntimeSpecInput, context: LinuxContext): OciLinux {
  const { config, system, container } = input;
  const { spec, networkMode } = container.config;
  const { manager, security, devices, bounding } = context;
  const sysctl = sysctlsFor(spec, networkMode, config.defaults.sysctls);
  const seccomp =
    spec.privileged && security.seccomp === 'default' ? undefined : loadSeccomp(security.seccomp, config.defaults.seccompProfile, bounding);
  const protectedPaths = maskedPathsFor({ privileged: spec.privileged, mask: security.mask, unmask: security.unmask });
  const path = cgroupsPath(manager, container.id, system);
  const propagation = propagationFor(container.config.mounts);
  return {
    namespaces: namespacesFor(container.config, input, system),
    ...idMappings(container.config.userNamespace),
    resources: allResources(spec, config, system, context),
    ...(path === undefined ? {} : { cgroupsPath: path }),
    ...(devices.devices.length > 0 ? { devices: devices.devices } : {}),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
    ...(protectedPaths.masked.length > 0 ? { maskedPaths: protectedPaths.masked } : {}),
    ...(protectedPaths.readOnly.length > 0 ? { readonlyPaths: protectedPaths.readOnly } : {}),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
  };
}

function allResources(spec: ContainerSpec, config: EngineConfig, system: SpecSystem, context: LinuxContext): OciResources {
  const limits = resourcesFor(spec.resources, {
    manager: context.manager,
    system,
    defaultPidsLimit: config.defaults.pidsLimit,
  });
  return context.devices.rules.length > 0 ? { devices: context.devices.rules, ...limits } : limits;
}

/** A mount that hands mounts on, or takes them, needs a root that does so too (runtime-spec config-linux.md, rootfsPropagation). */
function propagationFor(mounts: ContainerRecord['config']['mounts']): string | undefined {
  const words = mounts.flatMap((mount) => mount.options);
  if (words.some((word) => word === 'shared' || word === 'rshared')) return 'shared';
  return words.some((word) => word === 'slave' || word === 'rslave') ? 'rslave' : undefined;
}

function namespacesFor(
  { spec, networkMode, userNamespace }: ContainerRecord['config'],
  { sandboxPath, userNamespacePath }: Pick<RuntimeSpecInput, 'sandboxPath' | 'userNamespacePath'>,
  system: SpecSystem,
): OciLinux['namespaces'] {
  const namespaces: { type: OciNamespace; path?: string }[] = [{ type: 'mount' }];
  if (userNamespace) namespaces.push({ type: 'user', ...(userNamespacePath === undefined ? {} : { path: userNamespacePath }) });
  for (const type of ['pid', 'ipc', 'uts'] as const) if (spec[type] === 'private') namespaces.push({ type });
  if (networkMode !== 'host') namespaces.push({ type: 'network', ...(sandboxPath === undefined ? {} : { path: sandboxPath }) });
  // Podman's default: a private one where there is only v2.
  const cgroupns = spec.cgroupns ?? (system.cgroups.version === 'v2' ? 'private' : 'host');
  if (cgroupns === 'private') namespaces.push({ type: 'cgroup' });
  return namespaces;
}

function idMappings(userNamespace: ContainerRecord['config']['userNamespace']): Pick<OciLinux, 'uidMappings' | 'gidMappings'> {
  if (!userNamespace) return {};
  const toOci = ({ containerId, hostId, size }: IdRange) => ({ containerID: containerId, hostID: hostId, size });
  return { uidMappings: userNamespace.uids.map(toOci), gidMappings: userNamespace.gids.map(toOci) };
}

function initPathFor(config: EngineConfig, system: SpecSystem, spec: ContainerSpec): string | undefined {
  if (!spec.init) return undefined;
  if (spec.pid === 'host')
    throw new EngineError('invalid-argument', "cannot add init binary as PID 1 (PID namespace isn't private)", {
      fix: 'Leave out --init or --pid=host.',
    });
  const path = system.processes.find(config.defaults.initPath ?? 'catatonit') ?? system.processes.find('catatonit');
  if (path !== undefined) return path;
  throw new EngineError('missing-tool', 'container-init binary not found on the host: catatonit', {
    fix: 'Install catatonit, or leave out --init.',
    details: { tool: 'catatonit' },
  });
}

function annotationsFor(container: RuntimeSpecInput['container'], user: ResolvedUser): Record<string, string> {
  const { spec } = container.config;
  return {
    'io.container.manager': 'libpod',
    'io.kubernetes.cri-o.Created': new Date(container.createdAt).toISOString(),
    'io.kubernetes.cri-o.TTY': String(spec.tty),
    'io.podman.annotations.autoremove': String(spec.remove).toUpperCase(),
    'io.podman.annotations.init': String(spec.init).toUpperCase(),
    'io.podman.annotations.privileged': String(spec.privileged).toUpperCase(),
    // crun's way not to drop the groups that came with the user who runs it.
    ...(user.keepGroups ? { 'run.oci.keep_original_groups': '1' } : {}),
    ...spec.annotations,
  };
}

/**
 * Everything of a container's options that can be judged without its image, at creation: throws what `buildRuntimeSpec` would throw later;
 * answers warnings.
 */
export function checkRuntimeOptions(
  input: Pick<RuntimeSpecInput, 'config' | 'system'> & { readonly spec: ContainerSpec; readonly networkMode: string },
): readonly string[] {
  const { config, system, spec } = input;
  const warnings = new Set<string>();
  const warn = (message: string): unknown => warnings.add(message);
  const security = parseSecurityOptions(spec.securityOptions, system);
  for (const message of security.warnings) warn(message);
  const request = { defaults: config.defaults.capabilities, add: spec.capAdd, drop: spec.capDrop, privileged: spec.privileged };
  const { bounding } = capabilitiesFor(request, true);
  if (!spec.privileged || security.seccomp !== 'default') loadSeccomp(security.seccomp, config.defaults.seccompProfile, bounding);
  planDevices(spec.devices, { privileged: false, rootless: system.identity.rootless });
  for (const mount of spec.mounts) checkMountOptions(mount);
  rlimitsFor(config.defaults.ulimits, spec.ulimits, system, warn);
  sysctlsFor(spec, input.networkMode, config.defaults.sysctls);
  const manager = cgroupManagerFor(config, system);
  resourcesFor(spec.resources, { manager, system, defaultPidsLimit: config.defaults.pidsLimit });
  initPathFor(config, system, spec);
  if (spec.hostname !== undefined && spec.uts === 'host')
    throw new EngineError('invalid-argument', 'cannot set hostname when running in the host UTS namespace: invalid argument', {
      fix: 'Leave out --hostname or --uts=host.',
    });
  return [...warnings];
}
