/** From the flags of run and create to the contract's ContainerSpec. */
import { EngineError } from '../../../base/errors.ts';
import type { ContainerSpecInput } from '../../../contract/container-spec.ts';
import type { containerFlags } from './container-flags.ts';
import { containerEnvironment, readLineFile } from './environment.ts';
import type { FlagValues } from './flags.ts';
import { parseMount, parseTmpfs, parseVolume } from './mounts.ts';
import { parseNamespace, parseNetwork, userNamespace } from './namespaces.ts';
import { platformOf } from './platform.ts';
import { parseExpose, parsePort } from './ports.ts';
import { parseResources, parseUlimit } from './resources.ts';
import { parseChoice, parseKeyValues, parseSize } from './values.ts';

type Flags = FlagValues<typeof containerFlags>;

export interface SpecSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** For `inspect`: the whole command line. */
  readonly commandLine: readonly string[];
}

const pullPolicies = ['missing', 'always', 'never', 'newer'] as const;

/** @param positionals the image and the command */
export function toContainerSpec(flags: Flags, positionals: readonly string[], around: SpecSurroundings): ContainerSpecInput {
  const [image = '', ...command] = positionals;
  const spec: ContainerSpecInput = {
    image,
    environment: containerEnvironment(
      { env: flags.env, files: flags['env-file'], all: flags['env-host'] === true, proxies: flags['http-proxy'] !== false },
      around.environment,
    ),
    ...identity(flags),
    ...network(flags),
    ...security(flags),
    ...defined(userNamespace(flags, around.environment['PODMAN_USERNS'])),
    mounts: [
      ...flags.volume.map((text) => parseVolume(text, around.workingDirectory)),
      ...flags.mount.map((text) => parseMount(text, around.workingDirectory)),
      ...flags.tmpfs.map(parseTmpfs),
    ],
    resources: defined(parseResources(flags)),
    ulimits: flags.ulimit.map(parseUlimit),
    ...lifecycle(flags),
    createCommand: [...around.commandLine],
  };
  return defined({
    ...spec,
    command: command.length > 0 ? command : undefined,
    entrypoint: parseEntrypoint(flags.entrypoint),
    shmSizeBytes: flags['shm-size'] === undefined ? undefined : parseSize(flags['shm-size'], 'shm-size'),
  });
}

/** Without the keys whose value is undefined: the contract knows absent, not undefined. */
function defined<T extends object>(value: T): DefinedOnly<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as DefinedOnly<T>;
}

type DefinedOnly<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function identity(flags: Flags): Partial<ContainerSpecInput> {
  const labels = [...flags['label-file'].flatMap((file) => readLineFile(file, 'label file')), ...flags.label];
  return defined({
    name: flags.name,
    hostname: flags.hostname,
    user: flags.user,
    workingDirectory: flags.workdir,
    groupAdd: [...flags['group-add']],
    umask: flags.umask,
    tty: flags.tty,
    interactive: flags.interactive,
    detachKeys: flags['detach-keys'],
    init: flags.init,
    labels: parseKeyValues(labels, 'label'),
    annotations: parseKeyValues(flags.annotation, 'annotation'),
  });
}

function network(flags: Flags): Partial<ContainerSpecInput> {
  return defined({
    network: parseNetwork(flags.network),
    ports: flags.publish.map((text) => defined(parsePort(text))),
    publishAll: flags['publish-all'],
    expose: flags.expose.flatMap(parseExpose),
    dnsServers: [...flags.dns],
    dnsSearch: [...flags['dns-search']],
    dnsOptions: [...flags['dns-option']],
    addHosts: [...flags['add-host']],
  });
}

function security(flags: Flags): Partial<ContainerSpecInput> {
  return defined({
    capAdd: [...flags['cap-add']],
    capDrop: [...flags['cap-drop']],
    securityOptions: [...flags['security-opt']],
    privileged: flags.privileged,
    devices: [...flags.device],
    sysctls: [...flags.sysctl],
    readOnlyRootfs: flags['read-only'],
    readOnlyTmpfs: flags['read-only-tmpfs'],
    pid: parseNamespace('pid', flags.pid),
    ipc: parseNamespace('ipc', flags.ipc),
    uts: parseNamespace('uts', flags.uts),
    cgroupns: parseNamespace('cgroupns', flags.cgroupns),
  });
}

function lifecycle(flags: Flags): Partial<ContainerSpecInput> {
  const restartPolicy = parseRestartPolicy(flags.restart);
  if (flags.rm === true && restartPolicy !== undefined && restartPolicy.name !== 'no')
    throw new EngineError('invalid-argument', '--rm and --restart cannot be set together', { fix: 'leave one of them out' });
  return defined({
    restartPolicy,
    remove: flags.rm,
    stopSignal: flags['stop-signal'],
    stopTimeoutSeconds: flags['stop-timeout'],
    timeoutSeconds: flags.timeout,
    ...parseLogging(flags),
    pullPolicy: parsePullPolicy(flags.pull),
    platform: platformOf(flags),
  });
}

export function parsePullPolicy(text: string | undefined): (typeof pullPolicies)[number] | undefined {
  if (text === undefined) return undefined;
  // Old spellings of Podman's: --pull without a word, and --pull=true, meant missing.
  if (text === 'true' || text === '' || text === 'ifmissing') return 'missing';
  if (text === 'false') return 'never';
  return parseChoice(text.toLowerCase(), pullPolicies, (word) => `unsupported pull policy "${word}"`);
}

export function parseRestartPolicy(text: string | undefined): ContainerSpecInput['restartPolicy'] {
  if (text === undefined || text === '') return undefined;
  const [name = '', retries, ...more] = text.split(':');
  if (more.length === 0 && (name === 'no' || name === 'always' || name === 'unless-stopped' || name === 'on-failure')) {
    if (retries === undefined) return { name };
    if (name === 'on-failure' && /^\d+$/.test(retries)) return { name, maximumRetries: Number(retries) };
    if (name !== 'on-failure') throw new EngineError('invalid-argument', `--restart ${text}: only on-failure takes a number of retries`);
    throw new EngineError('invalid-argument', `--restart ${text}: "${retries}" is no number of retries`);
  }
  throw new EngineError('invalid-argument', `"${text}" is not a valid restart policy`, {
    fix: 'choose one of no, on-failure[:max], always, unless-stopped',
  });
}

/** A JSON array of words, one word, or nothing to clear the image's. */
export function parseEntrypoint(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  if (text === '') return [];
  if (text.startsWith('[')) {
    try {
      const words: unknown = JSON.parse(text);
      if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
    } catch {
      // Not JSON: a program may be called so.
    }
  }
  return [text];
}

function parseLogging(flags: Flags): Pick<ContainerSpecInput, 'logDriver' | 'logMaxSizeBytes'> {
  const options = parseKeyValues(flags['log-opt'], 'log option');
  const { 'max-size': maxSize, ...others } = options;
  const other = Object.keys(others)[0];
  if (other !== undefined)
    throw new EngineError('unsupported', `--log-opt ${other} is not supported yet`, { fix: 'there is max-size=SIZE' });
  return defined({
    logDriver: parseLogDriver(flags['log-driver']),
    logMaxSizeBytes: maxSize === undefined ? undefined : parseSize(maxSize, 'log-opt max-size'),
  });
}

function parseLogDriver(text: string | undefined): 'k8s-file' | 'none' | undefined {
  switch (text) {
    case undefined:
      return undefined;
    case 'k8s-file':
    case 'none':
      return text;
    // Podman takes Docker's word for its own file.
    case 'json-file':
      return 'k8s-file';
    case 'journald':
    case 'passthrough':
    case 'passthrough-tty':
      throw new EngineError('unsupported', `--log-driver ${text} is not supported yet`, { fix: 'choose k8s-file or none' });
    default:
      throw new EngineError('invalid-argument', `invalid log driver "${text}"`, { fix: 'choose k8s-file or none' });
  }
}
