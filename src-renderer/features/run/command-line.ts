/** The `selkie run` line that a specification stands for. Pure; it says nothing that is the default. */
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';

type Port = NonNullable<ContainerSpecInput['ports']>[number];
type Mount = NonNullable<ContainerSpecInput['mounts']>[number];

function portWords(port: Port): string[] {
  const host = port.hostIp === undefined || port.hostIp === '' ? '' : port.hostIp.includes(':') ? `[${port.hostIp}]:` : `${port.hostIp}:`;
  const hostPort = port.hostPort === undefined ? (host === '' ? '' : ':') : `${port.hostPort}:`;
  return [
    '-p',
    `${host}${hostPort}${port.containerPort}${port.protocol === undefined || port.protocol === 'tcp' ? '' : `/${port.protocol}`}`,
  ];
}

function mountWords(mount: Mount): string[] {
  const source = mount.source ?? '';
  if (mount.type === 'tmpfs') return ['--tmpfs', `${mount.target}${mount.readOnly === true ? ':ro' : ''}`];
  // A colon would split the short form in the wrong place.
  if (source.includes(':') || mount.target.includes(':')) {
    return [
      '--mount',
      [
        `type=${mount.type}`,
        ...(source === '' ? [] : [`source=${source}`]),
        `target=${mount.target}`,
        ...(mount.readOnly === true ? ['ro'] : []),
      ].join(','),
    ];
  }
  return ['-v', `${source === '' ? '' : `${source}:`}${mount.target}${mount.readOnly === true ? ':ro' : ''}`];
}

function sizeWord(bytes: number): string {
  const units = ['b', 'k', 'm', 'g', 't'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit] ?? ''}`;
}

function limitWords({ resources = {} }: ContainerSpecInput): string[] {
  return [
    ...(resources.memoryBytes === undefined ? [] : ['-m', sizeWord(resources.memoryBytes)]),
    ...(resources.cpus === undefined ? [] : ['--cpus', String(resources.cpus)]),
    ...(resources.pidsLimit === undefined ? [] : ['--pids-limit', String(resources.pidsLimit)]),
  ];
}

export function toCommandLine(spec: ContainerSpecInput): string[] {
  const policy = spec.restartPolicy;
  return [
    'selkie',
    'run',
    '-d',
    ...(spec.interactive === true ? ['-i'] : []),
    ...(spec.tty === true ? ['-t'] : []),
    ...(spec.remove === true ? ['--rm'] : []),
    ...(spec.name === undefined ? [] : ['--name', spec.name]),
    ...(spec.network?.mode === undefined || spec.network.mode === 'default' ? [] : ['--network', spec.network.mode]),
    ...(spec.userns === undefined ? [] : ['--userns', spec.userns]),
    ...(spec.ports ?? []).flatMap(portWords),
    ...(spec.environment ?? []).flatMap((variable) => ['-e', variable]),
    ...(spec.mounts ?? []).flatMap(mountWords),
    ...limitWords(spec),
    ...(policy === undefined
      ? []
      : ['--restart', `${policy.name}${(policy.maximumRetries ?? 0) > 0 ? `:${policy.maximumRetries ?? 0}` : ''}`]),
    spec.image === '' ? 'IMAGE' : spec.image,
    ...(spec.command ?? []),
  ];
}
