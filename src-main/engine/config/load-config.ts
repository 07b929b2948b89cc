import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Identity, Processes, System } from '../../system/system.ts';
import type { ContainerDefaults, EngineConfig } from './config.ts';
import { parseSizeBytes } from './size.ts';
import { absolute, configDirectory, defaultRunRoot, readStorageConfig } from './storage-config.ts';
import { readDropIns, readTomlIfExists, Settings, type TomlFile } from './toml-file.ts';

/** Podman's global options (podman(1)); undefined means "not given". */
export interface EngineOptions {
  readonly root?: string | undefined;
  readonly runRoot?: string | undefined;
  readonly tmpDirectory?: string | undefined;
  readonly storageDriver?: string | undefined;
  readonly storageOptions?: readonly string[] | undefined;
  readonly runtime?: string | undefined;
  readonly cgroupManager?: string | undefined;
  readonly networkBackend?: string | undefined;
}

export interface ConfigRequest {
  readonly system: Pick<System, 'identity' | 'processes'>;
  readonly options: EngineOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly resources: string;
}

type Environment = ConfigRequest['environment'];

/**
 * Reads containers.conf(5) and storage.conf(5) with their drop-ins and overriding environment variables, lays the options
 * over them, and answers one object that is validated where it is read first. Errors: `invalid-argument` with file and key, `unsupported` with the alternative.
 */
export function loadConfig({ system, options, environment, resources }: ConfigRequest): EngineConfig {
  const { identity, processes } = system;
  const storage = readStorageConfig(options, identity, environment);
  // `selkie ps` needs to know where the store is and nothing of containers.conf, which takes longer to parse than to list.
  const containers = once(() => new Settings(containersFiles(identity, environment)));
  const defaults = once(() => {
    networkBackend(containers().text('network', 'network_backend'));
    return containerDefaults(containers(), processes);
  });
  // What was typed is checked at once, what a file says when it is needed.
  cgroupManager(options.cgroupManager);
  networkBackend(options.networkBackend);
  return {
    graphRoot: storage.graphRoot,
    runRoot: storage.runRoot,
    storageDriver: storage.storageDriver,
    storageOptions: storage.storageOptions,
    resources,
    get ociRuntime() {
      return options.runtime ?? containers().text('engine', 'runtime') ?? 'crun';
    },
    get cgroupManager() {
      return cgroupManager(options.cgroupManager ?? containers().text('engine', 'cgroup_manager'));
    },
    networkBackend: 'netavark',
    get rootlessNetwork() {
      return containers().choice('network', 'default_rootless_network_cmd', ['pasta', 'slirp4netns']) ?? 'pasta';
    },
    get imageVolume() {
      return containers().choice('engine', 'image_volume_mode', ['bind', 'tmpfs', 'ignore']) ?? 'bind';
    },
    get defaults() {
      return defaults();
    },
    get sources() {
      defaults();
      return [...containers().sources, ...storage.sources];
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Where namespaces are remembered (Podman's --tmpdir): needed before there is an engine. */
export function tmpDirectory(options: EngineOptions, identity: Pick<Identity, 'rootless' | 'hostUid'>, environment: Environment): string {
  return absolute(options.tmpDirectory) ?? defaultRunRoot(identity, environment);
}

function containersFiles(identity: Identity, environment: Environment): TomlFile[] {
  const override = environment['CONTAINERS_CONF'];
  if (override) return [readTomlIfExists(override) ?? missingOverride('CONTAINERS_CONF', override)];
  const own = configDirectory(identity, environment);
  return [
    readTomlIfExists('/usr/share/containers/containers.conf'),
    readTomlIfExists('/etc/containers/containers.conf'),
    ...readDropIns('/etc/containers/containers.conf.d'),
    ...(identity.rootless ? [readTomlIfExists(join(own, 'containers.conf')), ...readDropIns(join(own, 'containers.conf.d'))] : []),
  ].filter((file) => file !== undefined);
}

function missingOverride(variable: string, path: string): never {
  throw new EngineError('invalid-argument', `${variable} names ${path}, and there is no such file`, {
    fix: `correct or unset ${variable}`,
  });
}

function cgroupManager(word: string | undefined): 'systemd' | 'cgroupfs' | undefined {
  if (word === undefined || word === 'systemd' || word === 'cgroupfs') return word;
  throw new EngineError('invalid-argument', `"${word}" is no cgroup manager`, {
    fix: 'use --cgroup-manager systemd or --cgroup-manager cgroupfs',
  });
}

function networkBackend(word: string | undefined): void {
  if (word === undefined || word === 'netavark') return;
  throw new EngineError('unsupported', `network backend "${word}" is not supported`, { fix: 'use netavark, or leave the option out' });
}

/** Podman's default set (containers.conf(5), default_capabilities). */
const defaultCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function containerDefaults(settings: Settings, processes: Pick<Processes, 'find'>): ContainerDefaults {
  const shm = settings.text('containers', 'shm_size');
  const logSizeMax = settings.integer('containers', 'log_size_max') ?? -1;
  return {
    capabilities: settings.texts('containers', 'default_capabilities') ?? defaultCapabilities,
    sysctls: settings.texts('containers', 'default_sysctls') ?? ['net.ipv4.ping_group_range=0 0'],
    ulimits: settings.texts('containers', 'default_ulimits') ?? [],
    environment: settings.texts('containers', 'env') ?? [defaultPath],
    pidsLimit: settings.integer('containers', 'pids_limit') ?? 2048,
    seccompProfile:
      settings.text('containers', 'seccomp_profile') ??
      ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'].find((path) => existsSync(path)) ??
      '/usr/share/containers/seccomp.json',
    initPath: settings.text('containers', 'init_path') ?? processes.find('catatonit'),
    shmSizeBytes: shm === undefined ? 65_536 * 1024 : parseSizeBytes(shm, 'containers.conf shm_size'),
    umask: settings.text('containers', 'umask') ?? '0022',
    dnsServers: settings.texts('containers', 'dns_servers') ?? [],
    dnsSearch: settings.texts('containers', 'dns_searches') ?? [],
    dnsOptions: settings.texts('containers', 'dns_options') ?? [],
    stopTimeoutSeconds: settings.integer('engine', 'stop_timeout') ?? 10,
    logMaxSizeBytes: Math.max(logSizeMax, 0),
    userNamespace: settings.text('containers', 'userns') ?? '',
  };
}
