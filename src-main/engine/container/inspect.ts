import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IdRange } from '../../system/system.ts';
import type { ContainerDetail } from '../../contract/container.ts';
import { controllerAvailable } from '../runtime/runtime.ts';
import { capabilitiesFor } from '../security/security.ts';
import type { ContainerRecord } from '../state/state.ts';
import { runningExecs } from './exec.ts';
import { sizeOf } from './list.ts';
import { bundleFiles } from './paths.ts';
import { isActive, type Room } from './room.ts';
import { stopSignal, stopTimeoutSeconds } from './stop.ts';
import { asOfNow, toSummary } from './summary.ts';
import { signalName } from './signals.ts';

export async function inspectContainer(room: Room, nameOrId: string, size: boolean): Promise<ContainerDetail> {
  const record = asOfNow(room, room.state.containers.resolve(nameOrId));
  return {
    ...toSummary(record),
    ...(size ? { size: await sizeOf(room, record) } : {}),
    config: configOf(room, record),
    host: hostOf(room, record),
    process: processOf(room, record),
    graphDriver: {
      name: room.snapshots.driver,
      data: room.snapshots.exists(record.id) ? { ...room.snapshots.describe(record.id) } : {},
    },
    mountPoints: record.config.mounts.map(({ anonymous: _, ...mount }) => ({ ...mount, options: [...mount.options] })),
    networkSettings: record.network ?? { mode: record.config.networkMode, sandboxPath: '', networks: [] },
    execIds: isActive(record) ? runningExecs(room, record.id) : [],
  };
}

function configOf(room: Room, record: ContainerRecord): ContainerDetail['config'] {
  const { config } = record;
  const { spec, imageConfig } = config;
  return {
    hostname: config.hostname,
    user: spec.user ?? config.userNamespace?.user ?? imageConfig.user,
    entrypoint: [...config.entrypoint],
    command: [...config.command],
    environment: environmentOf(room, record),
    workingDirectory: spec.workingDirectory ?? (imageConfig.workingDirectory || '/'),
    tty: spec.tty,
    interactive: spec.interactive,
    stopSignal: signalName(stopSignal(record)),
    stopTimeoutSeconds: stopTimeoutSeconds(room, record),
    umask: (spec.umask ?? room.config.defaults.umask).padStart(4, '0'),
    annotations: { ...spec.annotations },
    createCommand: [...(spec.createCommand ?? [])],
    exposedPorts: [...new Set([...imageConfig.exposedPorts, ...spec.expose])],
  };
}

/** As its process has it, from config.json; of one that does not run, as far as it is known before a start. */
function environmentOf(room: Room, record: ContainerRecord): string[] {
  const path = join(room.paths.bundle(record.id), bundleFiles.config);
  if (isActive(record) && existsSync(path)) {
    try {
      const parsed = JSON.parse(readFileSync(path, 'utf8')) as { readonly process?: { readonly env?: readonly string[] } };
      if (parsed.process?.env) return [...parsed.process.env];
    } catch {
      // It ended this moment.
    }
  }
  const { spec, imageConfig } = record.config;
  const variables = new Map<string, string>();
  for (const entry of [...room.config.defaults.environment, ...imageConfig.environment, ...spec.environment]) {
    variables.set(entry.split('=', 1)[0] ?? entry, entry);
  }
  return [...variables.values()];
}

function hostOf(room: Room, record: ContainerRecord): ContainerDetail['host'] {
  const { config } = record;
  const { spec } = config;
  const user = spec.user ?? config.userNamespace?.user ?? config.imageConfig.user;
  const isRoot = user === '' || /^(0|root)(:|$)/.test(user);
  const capabilities = capabilitiesFor(
    { defaults: room.config.defaults.capabilities, add: spec.capAdd, drop: spec.capDrop, privileged: spec.privileged },
    isRoot,
  );
  const cgroup = isActive(record) ? room.system.cgroups.pathsOf(record.pid) : new Map<string, string>();
  return {
    privileged: spec.privileged,
    readOnlyRootfs: spec.readOnlyRootfs,
    init: spec.init,
    capAdd: [...spec.capAdd],
    capDrop: [...spec.capDrop],
    effectiveCaps: [...capabilities.effective],
    boundingCaps: [...capabilities.bounding],
    securityOptions: [...spec.securityOptions],
    devices: [...spec.devices],
    ulimits: [...spec.ulimits],
    resources: spec.resources,
    restartPolicy: spec.restartPolicy,
    shmSizeBytes: spec.shmSizeBytes ?? room.config.defaults.shmSizeBytes,
    dnsServers: [...spec.dnsServers],
    dnsSearch: [...spec.dnsSearch],
    dnsOptions: [...spec.dnsOptions],
    addHosts: [...spec.addHosts],
    groupAdd: [...spec.groupAdd],
    pidMode: spec.pid,
    ipcMode: spec.ipc,
    utsMode: spec.uts,
    usernsMode: usernsModeOf(config.userNamespace),
    uidMap: (config.userNamespace?.uids ?? []).map(mapWord),
    gidMap: (config.userNamespace?.gids ?? []).map(mapWord),
    cgroupMode: spec.cgroupns ?? (room.system.cgroups.version === 'v2' ? 'private' : 'host'),
    logDriver: spec.logDriver,
    logPath: config.logPath,
    logMaxSizeBytes: spec.logMaxSizeBytes,
    pidsLimit: pidsLimitOf(room, spec),
    cgroupManager: room.runtime.cgroupManager,
    cgroupPath: cgroup.get('') ?? cgroup.get('memory') ?? '',
  };
}

function mapWord({ containerId, hostId, size }: IdRange): string {
  return [containerId, hostId, size].join(':');
}

/** As a start gives it: the engine's own limit is left out where nobody can enforce it. */
function pidsLimitOf(room: Room, { resources }: ContainerRecord['config']['spec']): number {
  const enforced = controllerAvailable('pids', room.runtime.cgroupManager, room.system);
  return Math.max(0, resources.pidsLimit ?? (enforced ? room.config.defaults.pidsLimit : 0));
}

function processOf(room: Room, record: ContainerRecord): ContainerDetail['process'] {
  const bundle = room.paths.bundle(record.id);
  const [path = '', ...rest] = [...record.config.entrypoint, ...record.config.command];
  return {
    path,
    arguments: rest,
    conmonPid: record.conmonPid,
    oomKilled: record.oomKilled,
    ociRuntime: room.runtime.name,
    ociConfigPath: join(bundle, bundleFiles.config),
    pidFile: join(bundle, bundleFiles.pidFile),
    conmonPidFile: join(bundle, bundleFiles.conmonPidFile),
    resolvConfPath: join(bundle, bundleFiles.resolvConf),
    hostnamePath: join(bundle, bundleFiles.hostname),
    hostsPath: join(bundle, bundleFiles.hosts),
    staticDirectory: room.paths.directory(record.id),
  };
}

function usernsModeOf(own: ContainerRecord['config']['userNamespace']): string {
  if (own === undefined) return '';
  return own.path === undefined ? 'private' : `ns:${own.path}`;
}
