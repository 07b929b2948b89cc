/** A container as `ps` shows it: fields for templates, and the JSON shape. */
import type { ContainerSummary } from '../../../contract/container.ts';
import { ago, humanSize, shortId } from './human.ts';
import { portsText } from './ports.ts';
import { goMap, GoTime, nilMap, nilSlice, struct, type GoStruct } from './template/template.ts';

export interface RowOptions {
  readonly nowMs: number;
  readonly noTruncate: boolean;
  readonly size: boolean;
}

export const containerHeadings: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    ImageID: 'IMAGE ID',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    CreatedHuman: 'CREATED',
    Created: 'CREATED',
    RunningFor: 'RUNNING FOR',
    Status: 'STATUS',
    State: 'STATE',
    Ports: 'PORTS',
    Names: 'NAMES',
    Size: 'SIZE',
    Labels: 'LABELS',
    Mounts: 'MOUNTS',
    Networks: 'NETWORKS',
    Pid: 'PID',
    Pod: 'POD ID',
    PodName: 'PODNAME',
    Exited: 'EXITED',
    ExitedAt: 'EXITED AT',
    ExitCode: 'EXIT CODE',
    StartedAt: 'STARTED AT',
    AutoRemove: 'AUTO REMOVE',
    IsInfra: 'IS INFRA',
    Restarts: 'RESTARTS',
  }),
);

export function statusText(container: ContainerSummary, nowMs: number): string {
  switch (container.state) {
    case 'running':
      return `Up ${ago(container.startedAt ?? nowMs, nowMs)}`;
    case 'exited':
      return `Exited (${container.exitCode ?? 0}) ${ago(container.finishedAt ?? nowMs, nowMs)}`;
    case 'created':
      return 'Created';
    case 'initialized':
      return 'Initialized';
    case 'paused':
      return 'Paused';
    case 'stopping':
      return 'Stopping';
    default:
      return 'Removing';
  }
}

/** The one network that `ps` names. */
export function networkNames(mode: string): string[] {
  const word = mode.split(':')[0] ?? '';
  return word === 'bridge' ? ['podman'] : [];
}

export function containerRow(container: ContainerSummary, options: RowOptions): GoStruct {
  const { nowMs, noTruncate } = options;
  const command = container.command.join(' ');
  return struct('containers.psReporter', {
    ID: noTruncate ? container.id : shortId(container.id),
    Image: container.imageName,
    ImageID: noTruncate ? container.imageId : shortId(container.imageId),
    Command: noTruncate ? command : truncated(command, 20),
    CreatedAt: new GoTime(container.createdAt),
    CreatedHuman: ago(container.createdAt, nowMs),
    Created: new GoTime(container.createdAt),
    RunningFor: ago(container.createdAt, nowMs),
    Status: statusText(container, nowMs),
    State: container.state,
    Ports: portsText(container.ports),
    Names: container.name,
    Size: sizeText(container),
    Labels: Object.keys(container.labels).length > 0 ? goMap(container.labels) : nilMap,
    Label: (key: unknown) => (typeof key === 'string' && Object.hasOwn(container.labels, key) ? container.labels[key] : ''),
    Mounts: container.mounts,
    Networks: networkNames(container.networkMode).join(','),
    Pid: container.pid,
    Pod: '',
    PodName: '',
    Exited: container.state === 'exited',
    ExitedAt: seconds(container.finishedAt),
    ExitCode: container.exitCode ?? 0,
    StartedAt: seconds(container.startedAt),
    AutoRemove: container.removeOnExit,
    IsInfra: false,
    Restarts: container.restartCount,
  });
}

function truncated(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 3)}...` : text;
}

function sizeText(container: ContainerSummary): string {
  if (!container.size) return '';
  return `${humanSize(container.size.writableBytes, 3)} (virtual ${humanSize(container.size.virtualBytes, 3)})`;
}

/** Seconds since 1970; Go's zero time when it has not happened. */
function seconds(ms: number | undefined): number {
  return ms === undefined ? -62135596800 : Math.floor(ms / 1000);
}

export function containerJson(container: ContainerSummary, nowMs: number): GoStruct {
  return struct('entities.ListContainer', {
    AutoRemove: container.removeOnExit,
    Command: container.command,
    CreatedAt: ago(container.createdAt, nowMs),
    Exited: container.state === 'exited',
    ExitedAt: seconds(container.finishedAt),
    ExitCode: container.exitCode ?? 0,
    Id: container.id,
    Image: container.imageName,
    ImageID: container.imageId,
    IsInfra: false,
    Labels: Object.keys(container.labels).length > 0 ? goMap(container.labels) : nilMap,
    Mounts: container.mounts,
    Names: [container.name],
    Namespaces: {},
    Networks: networkNames(container.networkMode),
    Pid: container.pid,
    Pod: '',
    PodName: '',
    Ports: container.ports.length === 0 ? nilSlice : container.ports.map(portJson),
    Restarts: container.restartCount,
    Size: container.size ? { rootFsSize: container.size.virtualBytes, rwSize: container.size.writableBytes } : null,
    StartedAt: seconds(container.startedAt),
    State: container.state,
    Status: statusText(container, nowMs),
    Created: Math.floor(container.createdAt / 1000),
  });
}

function portJson(port: ContainerSummary['ports'][number]): GoStruct {
  return {
    host_ip: port.hostIp,
    container_port: port.containerPort,
    host_port: port.hostPort ?? 0,
    range: port.range,
    protocol: port.protocol,
  };
}
