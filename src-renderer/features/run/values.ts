/** What the form holds, and the specification that it stands for. Pure. */
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import { splitWords } from './shell-words.ts';

export interface PortValues {
  readonly hostIp: string;
  readonly hostPort: string;
  readonly containerPort: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface MountValues {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Empty: what containers.conf says. */
export const userNamespaces = ['', 'host', 'keep-id', 'auto', 'nomap'] as const;

export interface RunValues {
  readonly image: string;
  readonly name: string;
  readonly command: string;
  readonly ports: PortValues[];
  readonly environment: { readonly name: string; readonly value: string }[];
  readonly mounts: MountValues[];
  readonly memory: string;
  readonly cpus: string;
  readonly pids: string;
  readonly restart: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  readonly retries: string;
  readonly network: 'default' | 'host' | 'none' | 'bridge' | 'pasta' | 'slirp4netns';
  readonly userns: (typeof userNamespaces)[number];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly remove: boolean;
}

export const emptyValues: RunValues = {
  image: '',
  name: '',
  command: '',
  ports: [],
  environment: [],
  mounts: [],
  memory: '',
  cpus: '',
  pids: '',
  restart: 'no',
  retries: '',
  network: 'default',
  userns: '',
  tty: false,
  interactive: false,
  remove: false,
};

const unitBytes: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `512m` → bytes, as Podman reads it: a number without a unit is bytes. Undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  const unit = unitBytes[(match?.[2] ?? '').toLowerCase()];
  if (!match || unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export function isPortNumber(text: string): boolean {
  return /^\d{1,5}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 65535;
}

function resourcesOf(values: RunValues): NonNullable<ContainerSpecInput['resources']> {
  const memoryBytes = values.memory.trim() === '' ? undefined : parseSize(values.memory);
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(!(Number(values.cpus) > 0) ? {} : { cpus: Number(values.cpus) }),
    ...(values.pids.trim() === '' || !Number.isInteger(Number(values.pids)) ? {} : { pidsLimit: Number(values.pids) }),
  };
}

/**
 * What was left empty is left out, so that the engine's defaults hold; and so is what is not complete yet, since the
 * command line follows every key. Only values without problems are sent.
 */
export function toSpec(values: RunValues): ContainerSpecInput {
  const command = splitWords(values.command) ?? [];
  const limits = resourcesOf(values);
  // With the host's network there is nothing to publish.
  const ports =
    values.network === 'host' || values.network === 'none' ? [] : values.ports.filter((port) => isPortNumber(port.containerPort));
  const variables = values.environment.filter(({ name }) => name.trim() !== '');
  const mounts = values.mounts.filter(({ target }) => target.trim() !== '');
  return {
    image: values.image.trim(),
    ...(values.name.trim() === '' ? {} : { name: values.name.trim() }),
    ...(command.length === 0 ? {} : { command }),
    ...(ports.length === 0
      ? {}
      : {
          ports: ports.map((port) => ({
            ...(port.hostIp.trim() === '' ? {} : { hostIp: port.hostIp.trim() }),
            ...(!isPortNumber(port.hostPort) ? {} : { hostPort: Number(port.hostPort) }),
            containerPort: Number(port.containerPort),
            ...(port.protocol === 'tcp' ? {} : { protocol: port.protocol }),
          })),
        }),
    ...(variables.length === 0 ? {} : { environment: variables.map(({ name, value }) => `${name.trim()}=${value}`) }),
    ...(mounts.length === 0
      ? {}
      : {
          mounts: mounts.map((mount) => ({
            type: mount.type,
            ...(mount.type === 'tmpfs' ? {} : { source: mount.source.trim() }),
            target: mount.target.trim(),
            ...(mount.readOnly ? { readOnly: true } : {}),
          })),
        }),
    ...(Object.keys(limits).length === 0 ? {} : { resources: limits }),
    ...(values.restart === 'no'
      ? {}
      : {
          restartPolicy: {
            name: values.restart,
            ...(values.restart === 'on-failure' && values.retries.trim() !== '' ? { maximumRetries: Number(values.retries) } : {}),
          },
        }),
    ...(values.network === 'default' ? {} : { network: { mode: values.network } }),
    ...(values.userns === '' ? {} : { userns: values.userns }),
    ...(values.tty ? { tty: true } : {}),
    ...(values.interactive ? { interactive: true } : {}),
    ...(values.remove ? { remove: true } : {}),
  };
}
