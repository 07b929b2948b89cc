import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Identity } from '../../system/system.ts';
import type { ConfigRequest, EngineOptions } from './load-config.ts';
import { readTomlIfExists, Settings, type TomlFile } from './toml-file.ts';

type Environment = ConfigRequest['environment'];

export interface StorageConfig {
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly storageDriver: 'overlay' | 'vfs' | undefined;
  readonly storageOptions: readonly string[];
  readonly sources: readonly string[];
}

/**
 * containers-storage.conf(5), STORAGE_DRIVER and STORAGE_OPTS, and the options, as containers/storage lays them over each other: one file counts
 * and replaces the others; a user's own file counts for all, of the system's a user gets the driver and the place; a driver that is given leaves
 * out the file's options, options that are given leave out everybody else's.
 */
export function readStorageConfig(options: EngineOptions, identity: Identity, environment: Environment): StorageConfig {
  const { file, isOwn } = storageFile(identity, environment);
  const settings = new Settings(file === undefined ? [] : [file]);
  const whole = isOwn || !identity.rootless;
  const given = options.storageDriver ?? environment['STORAGE_DRIVER'];
  const word = given === undefined || given === '' ? settings.text('storage', 'driver') : given;
  const fromFile = whole && (given === undefined || given === '') ? fileOptions(settings) : [];
  if (whole) refuseWhatPlacesDataElsewhere(settings, file?.path ?? '');
  const fromEnvironment = (environment['STORAGE_OPTS'] ?? '').split(',').filter((option) => option !== '');
  return {
    graphRoot: graphRoot(options, settings, whole, identity, environment),
    runRoot: runRoot(options, settings, whole, identity, environment),
    storageDriver: storageDriver(word),
    // `--storage-opt ""` is Podman's way to want none.
    storageOptions: [
      ...(word === 'fuse-overlayfs' ? ['overlay.mount_program=fuse-overlayfs'] : []),
      ...(options.storageOptions?.filter((option) => option !== '') ?? [...fromFile, ...fromEnvironment]),
    ],
    get sources() {
      return settings.sources;
    },
  };
}

function storageFile(identity: Identity, environment: Environment): { readonly file: TomlFile | undefined; readonly isOwn: boolean } {
  const override = environment['CONTAINERS_STORAGE_CONF'];
  if (override) {
    const file = readTomlIfExists(override);
    if (file) return { file, isOwn: true };
    throw new EngineError('invalid-argument', `CONTAINERS_STORAGE_CONF names ${override}, and there is no such file`, {
      fix: 'correct or unset CONTAINERS_STORAGE_CONF',
    });
  }
  const own = identity.rootless ? readTomlIfExists(join(configDirectory(identity, environment), 'storage.conf')) : undefined;
  if (own) return { file: own, isOwn: true };
  return { file: readTomlIfExists('/etc/containers/storage.conf') ?? readTomlIfExists('/usr/share/containers/storage.conf'), isOwn: false };
}

/** Where a user keeps files of containers-common(5). */
export function configDirectory(identity: Pick<Identity, 'homeDirectory'>, environment: Environment): string {
  return join(absolute(environment['XDG_CONFIG_HOME']) ?? join(identity.homeDirectory, '.config'), 'containers');
}

/** In the form of --storage-opt. What stands in [storage.options] alone is the old place of the same. */
function fileOptions(settings: Settings): string[] {
  const names = ['mountopt', 'mount_program', 'ignore_chown_errors', 'skip_mount_home', 'size', 'inodes', 'force_mask', 'use_composefs'];
  const overlay = names.flatMap((name) => {
    const value = settings.text('storage.options.overlay', name) ?? settings.text('storage.options', name);
    return value === undefined ? [] : [`overlay.${name}=${value}`];
  });
  const stores = settings.texts('storage.options', 'additionalimagestores') ?? [];
  const ignoreChownErrors = settings.text('storage.options.vfs', 'ignore_chown_errors');
  return [
    ...overlay,
    ...stores.map((path) => `overlay.imagestore=${path}`),
    ...(ignoreChownErrors === undefined ? [] : [`vfs.ignore_chown_errors=${ignoreChownErrors}`]),
  ];
}

/** Keys that would put data, or the ids that own it, somewhere else than where we would: better not at all than there. */
function refuseWhatPlacesDataElsewhere(settings: Settings, path: string): void {
  const texts = [
    ['storage', 'imagestore'],
    ['storage.options', 'remap-uids'],
    ['storage.options', 'remap-gids'],
    ['storage.options', 'remap-user'],
    ['storage.options', 'remap-group'],
  ] as const;
  const set = texts.find(([section, key]) => settings.text(section, key) !== undefined);
  const key = set?.join('.') ?? (settings.flag('storage', 'transient_store') === true ? 'storage.transient_store' : undefined);
  if (key === undefined) return;
  throw new EngineError('unsupported', `${path}: ${key} is not supported`, {
    fix: `remove the line, or give Selkie a file of its own by CONTAINERS_STORAGE_CONF`,
    details: { path, key },
  });
}

/**
 * storage.conf's graphroot is the place that the user chose for containers' data, and Podman's own store may be in it. Ours has another
 * format, so it goes into a folder `selkie` there and never among Podman's files.
 */
function graphRoot(options: EngineOptions, settings: Settings, whole: boolean, identity: Identity, environment: Environment): string {
  const given = absolute(options.root);
  if (given !== undefined) return refuseForeignStore(given);
  const data = absolute(environment['XDG_DATA_HOME']) ?? join(identity.homeDirectory, '.local/share');
  const configured =
    (whole ? settings.text('storage', 'graphroot') : undefined) ??
    (identity.rootless ? settings.text('storage', 'rootless_storage_path') : undefined);
  const place = configured === undefined ? undefined : expand(configured, 'graphroot', identity, environment);
  if (place !== undefined && !podmanDefaultPlaces.has(place) && place !== join(data, 'containers/storage')) return join(place, 'selkie');
  return identity.rootless ? join(data, 'selkie') : '/var/lib/selkie';
}

/** Where Podman keeps images and volumes for this user, if it does. */
export function podmanGraphRoot(identity: Identity, environment: Environment): string {
  const { file, isOwn } = storageFile(identity, environment);
  const settings = new Settings(file === undefined ? [] : [file]);
  const configured =
    (isOwn || !identity.rootless ? settings.text('storage', 'graphroot') : undefined) ??
    (identity.rootless ? settings.text('storage', 'rootless_storage_path') : undefined);
  if (configured !== undefined && (!identity.rootless || !podmanDefaultPlaces.has(configured)))
    return expand(configured, 'graphroot', identity, environment);
  const data = absolute(environment['XDG_DATA_HOME']) ?? join(identity.homeDirectory, '.local/share');
  return identity.rootless ? join(data, 'containers/storage') : '/var/lib/containers/storage';
}

function runRoot(options: EngineOptions, settings: Settings, whole: boolean, identity: Identity, environment: Environment): string {
  const given = absolute(options.runRoot);
  if (given !== undefined) return given;
  const configured = whole ? settings.text('storage', 'runroot') : undefined;
  const place = configured === undefined ? undefined : expand(configured, 'runroot', identity, environment);
  const ownDefault = defaultRunRoot(identity, environment);
  const podmans = identity.rootless ? join(ownDefault, '../containers') : undefined;
  if (place !== undefined && !podmanDefaultPlaces.has(place) && place !== podmans) return join(place, 'selkie');
  return ownDefault;
}

const podmanDefaultPlaces: ReadonlySet<string> = new Set([
  '/var/lib/containers/storage',
  '/run/containers/storage',
  '/var/run/containers/storage',
]);

export function defaultRunRoot(identity: Pick<Identity, 'rootless' | 'hostUid'>, environment: Environment): string {
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

function storageDriver(word: string | undefined): 'overlay' | 'vfs' | undefined {
  switch (word) {
    case undefined:
    case '':
      return undefined;
    case 'overlay':
    case 'overlay2':
    case 'fuse-overlayfs':
      return 'overlay';
    case 'vfs':
      return 'vfs';
    default:
      throw new EngineError('unsupported', `storage driver "${word}" is not supported`, {
        fix: 'use overlay, fuse-overlayfs or vfs, or leave the choice to the engine (--storage-driver, STORAGE_DRIVER, storage.conf)',
      });
  }
}

export function absolute(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  return resolve(path);
}

/** storage.conf(5): paths may hold $HOME, $USER, $UID. */
function expand(path: string, key: string, identity: Identity, environment: Environment): string {
  const values: Record<string, string> = { HOME: identity.homeDirectory, USER: identity.userName, UID: String(identity.hostUid) };
  const expanded = path.replace(/\$\{?(\w+)\}?/g, (_, name: string) => values[name] ?? environment[name] ?? '');
  if (expanded.startsWith('/')) return resolve(expanded);
  throw new EngineError('invalid-argument', `storage.conf: ${key} has to be an absolute path, it is ${JSON.stringify(path)}`, {
    fix: 'correct the value, or remove the line',
  });
}
