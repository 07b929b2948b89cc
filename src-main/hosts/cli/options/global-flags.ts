/** Podman's global options: before or behind the command's name. */
import { EngineError } from '../../../base/errors.ts';
import { flagTable, type FlagValues, type UnsupportedFlags } from './flags.ts';

export const globalFlags = flagTable({
  'cgroup-manager': { kind: 'string', help: 'systemd or cgroupfs' },
  'events-backend': { kind: 'string', hidden: true, help: "Where events are kept: only the store's own" },
  'log-level': { kind: 'string', help: 'How much is said: debug, info, warn, error …', default: 'warn' },
  'network-backend': { kind: 'string', hidden: true, help: 'netavark' },
  root: { kind: 'string', word: 'path', help: 'Where images, containers and volumes are kept' },
  runroot: { kind: 'string', word: 'path', help: 'Where the state of running containers is kept' },
  runtime: { kind: 'string', help: 'OCI runtime: its name or path', default: 'crun' },
  'storage-driver': { kind: 'string', help: 'How layers are stored: overlay' },
  'storage-opt': { kind: 'array', word: 'key=value', help: 'Option of the storage driver' },
  tmpdir: { kind: 'string', word: 'path', help: 'Where the state of the user namespace is kept' },
});

export const unsupportedGlobalFlags: UnsupportedFlags = {
  conmon: '',
  connection: 'remote engines come with a later version',
  config: '',
  'hooks-dir': '',
  identity: 'remote engines come with a later version',
  imagestore: '',
  namespace: '',
  module: '',
  'network-cmd-path': '',
  'network-config-dir': '',
  noout: '',
  remote: 'remote engines come with a later version',
  'runtime-flag': '',
  ssh: 'remote engines come with a later version',
  syslog: '',
  transient: '',
  'transient-store': '',
  url: 'remote engines come with a later version',
  volumepath: '',
};

export const logLevels = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What the launch room is told. Paths are as they were typed: connect.ts makes them absolute. */
export interface GlobalOptions {
  readonly graphRoot?: string;
  readonly runRoot?: string;
  readonly storageDriver?: string;
  readonly storageOptions: readonly string[];
  readonly runtime?: string;
  readonly cgroupManager?: 'systemd' | 'cgroupfs';
  readonly logLevel: LogLevel;
  readonly tmpDirectory?: string;
}

type Values = Partial<FlagValues<typeof globalFlags>>;

export function toGlobalOptions(values: Values): GlobalOptions {
  const cgroupManager = values['cgroup-manager'];
  if (cgroupManager !== undefined && cgroupManager !== 'systemd' && cgroupManager !== 'cgroupfs')
    throw new EngineError('invalid-argument', `invalid cgroup manager "${cgroupManager}"`, { fix: 'choose systemd or cgroupfs' });
  const backend = values['network-backend'];
  if (backend !== undefined && backend !== 'netavark')
    throw new EngineError('unsupported', `--network-backend ${backend} is not supported yet`, { fix: 'there is netavark' });
  const events = values['events-backend'];
  if (events !== undefined) {
    throw new EngineError('unsupported', `--events-backend ${events} is not supported`, {
      fix: "leave it out: events are in Selkie's own store",
    });
  }
  return {
    storageOptions: values['storage-opt'] ?? [],
    logLevel: parseLogLevel(values['log-level']),
    ...(cgroupManager === undefined ? {} : { cgroupManager }),
    ...(values.root === undefined ? {} : { graphRoot: values.root }),
    ...(values.runroot === undefined ? {} : { runRoot: values.runroot }),
    ...(values['storage-driver'] === undefined ? {} : { storageDriver: values['storage-driver'] }),
    ...(values.runtime === undefined ? {} : { runtime: values.runtime }),
    ...(values.tmpdir === undefined ? {} : { tmpDirectory: values.tmpdir }),
  };
}

function parseLogLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'warn';
  const level = logLevels.find((word) => word === text.toLowerCase());
  if (level === undefined)
    throw new EngineError('invalid-argument', `Log Level "${text}" is not supported, choose from: ${logLevels.join(', ')}`);
  return level;
}
