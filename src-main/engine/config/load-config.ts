import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Identity, Processes, System } from '../../system/system.ts';
import type { ContainerDefaults, EngineConfig } from './config.ts';
import { parseSizeBytes } from './size.ts';
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
  const storage = new Settings(storageFiles(identity, environment));
  // `selkie ps` needs to know where the store is and nothing of containers.conf, which takes longer to parse than to list.
  const containers = once(() => new Settings(containersFiles(identity, environment)));
  const defaults = once(() => {
    networkBackend(containers().text('network', 'network_backend'));
    return containerDefaults(containers(), processes);
  });
  // What was typed is checked at once, what a file says when it is needed.
  cgroupManager(options.cgroupManager);
  networkBackend(options.networkBackend);
  const driver = storageDriver(options.storageDriver ?? environment['STORAGE_DRIVER'] ?? storage.text('storage', 'driver'));
  return {
    graphRoot: graphRoot(options, storage, identity, environment),
    runRoot: runRoot(options, storage, identity, environment),
    storageDriver: driver,
    storageOptions: options.storageOptions ?? [],
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
  const own = userConfigDirectory(identity, environment);
  return [
    readTomlIfExists('/usr/share/containers/containers.conf'),
    readTomlIfExists('/etc/containers/containers.conf'),
    ...readDropIns('/etc/containers/containers.conf.d'),
    ...(identity.rootless ? [readTomlIfExists(join(own, 'containers.conf')), ...readDropIns(join(own, 'containers.conf.d'))] : []),
  ].filter((file) => file !== undefined);
}

function storageFiles(identity: Identity, environment: Environment): TomlFile[] {
  const override = environment['CONTAINERS_STORAGE_CONF'];
  if (override) return [readTomlIfExists(override) ?? missingOverride('CONTAINERS_STORAGE_CONF', override)];
  return [
    readTomlIfExists('/usr/share/containers/storage.conf'),
    readTomlIfExists('/etc/containers/storage.conf'),
    identity.rootless ? readTomlIfExists(join(userConfigDirectory(identity, environment), 'storage.conf')) : undefined,
  ].filter((file) => file !== undefined);
}

function missingOverride(variable: string, path: string): never {
  throw new EngineError('invalid-argument', `${variable} names ${path}, and there is no such file`, {
    fix: `correct or unset ${variable}`,
  });
}

function userConfigDirectory(identity: Identity, environment: Environment): string {
  return join(absolute(environment['XDG_CONFIG_HOME']) ?? join(identity.homeDirectory, '.config'), 'containers');
}

/**
 * storage.conf's graphroot is the place that the user chose for containers' data, and Podman's own store may be in it. Ours has another
 * format, so it goes into a folder `selkie` there and never among Podman's files.
 */
function graphRoot(options: EngineOptions, storage: Settings, identity: Identity, environment: Environment): string {
  const given = absolute(options.root);
  if (given !== undefined) return refuseForeignStore(given);
  const configured = storage.text('storage', identity.rootless ? 'rootless_storage_path' : 'graphroot');
  const place = configured === undefined ? undefined : expand(configured, identity, environment);
  if (place !== undefined && !podmanDefaultPlaces.has(place)) return join(place, 'selkie');
  return identity.rootless
    ? join(absolute(environment['XDG_DATA_HOME']) ?? join(identity.homeDirectory, '.local/share'), 'selkie')
    : '/var/lib/selkie';
}

function runRoot(options: EngineOptions, storage: Settings, identity: Identity, environment: Environment): string {
  const given = absolute(options.runRoot);
  if (given !== undefined) return given;
  const configured = identity.rootless ? undefined : storage.text('storage', 'runroot');
  if (configured !== undefined && !podmanDefaultPlaces.has(configured)) return join(configured, 'selkie');
  return defaultRunRoot(identity, environment);
}

const podmanDefaultPlaces: ReadonlySet<string> = new Set(['/var/lib/containers/storage', '/run/containers/storage']);

function defaultRunRoot(identity: Pick<Identity, 'rootless' | 'hostUid'>, environment: Environment): string {
  if (!identity.rootless) return '/run/selkie';
  const runtime = absolute(environment['XDG_RUNTIME_DIR']);
  if (runtime !== undefined && existsSync(runtime)) return join(runtime, 'selkie');
  const systemd = `/run/user/${identity.hostUid}`;
  return existsSync(systemd) ? join(systemd, 'selkie') : `/tmp/selkie-run-${identity.hostUid}`;
}

function refuseForeignStore(path: string): string {
  if (existsSync(join(path, 'selkie.db'))) return path;
  const foreign = ['libpod', 'overlay-layers', 'vfs-layers', 'storage.lock', 'image/overlay2'].find((name) => existsSync(join(path, name)));
  if (foreign === undefined) return path;
  throw new EngineError(
    'invalid-argument',
    `${path} is the store of another program (it has ${foreign}): Selkie keeps its data in a format of its own`,
    {
      fix: `name another folder, for example --root ${join(path, 'selkie')}`,
    },
  );
}

function storageDriver(word: string | undefined): 'overlay' | undefined {
  if (word === undefined || word === '') return undefined;
  if (word === 'overlay' || word === 'overlay2') return 'overlay';
  throw new EngineError('unsupported', `storage driver "${word}" is not supported`, {
    fix: 'use --storage-driver overlay, or leave the option out',
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
  };
}

function absolute(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  return resolve(path);
}

/** storage.conf(5): rootless_storage_path may hold $HOME, $USER, $UID. */
function expand(path: string, identity: Identity, environment: Environment): string {
  const values: Record<string, string> = { HOME: identity.homeDirectory, USER: identity.userName, UID: String(identity.hostUid) };
  return path.replace(/\$(\w+)/g, (_, name: string) => values[name] ?? environment[name] ?? '');
}
