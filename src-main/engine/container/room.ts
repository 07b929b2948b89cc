import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { ImageStore } from '../image/image.ts';
import type { Monitor } from '../monitor/monitor.ts';
import type { HeldTrees } from '../mount/mount.ts';
import type { Network } from '../network/network.ts';
import type { OciRuntime, SeccompCache } from '../runtime/runtime.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { ContainerRecord, Operation, State } from '../state/state.ts';
import type { VolumeStore } from '../volume/volume.ts';
import type { ExitHub } from './exit-hub.ts';
import type { ContainerPaths } from './paths.ts';

export interface ContainerDependencies {
  readonly config: EngineConfig;
  readonly state: State;
  readonly system: System;
  readonly images: ImageStore;
  readonly snapshots: SnapshotStore;
  readonly volumes: VolumeStore;
  readonly network: Network;
  readonly runtime: OciRuntime;
  readonly monitor: Monitor;
  /** What conmon runs when a container has ended; default: the clean-up script of the resources with run root and graph root. */
  readonly exitCommand?: readonly string[];
  /** Told of what fails where nobody waits for an answer: an exit that could not be cleaned up, a restart that failed. */
  readonly report?: (message: string) => void;
}

/** What the files of this room share. */
export interface Room extends ContainerDependencies {
  readonly paths: ContainerPaths;
  readonly exitHub: ExitHub;
  readonly trees: HeldTrees;
  readonly seccompCache: SeccompCache;
  readonly exitCommand: readonly string[];
}

export function isActive(record: ContainerRecord): boolean {
  return record.state === 'running' || record.state === 'stopping' || record.state === 'paused';
}

/** The container's own first process is the one that the record names (and not another with its number, or none). */
export function isProcessAlive(room: Room, record: ContainerRecord): boolean {
  return (
    record.pid > 0 && record.bootId === room.system.identity.bootId && room.system.processes.startTime(record.pid) === record.pidStartTime
  );
}

export function isMonitorAlive(room: Room, record: ContainerRecord): boolean {
  return (
    record.conmonPid > 0 &&
    record.bootId === room.system.identity.bootId &&
    room.system.processes.startTime(record.conmonPid) === record.conmonStartTime
  );
}

/** Ends a journal entry inside a transaction; the disposal that follows then does nothing more. */
export function endOperation(operation: Operation): void {
  operation[Symbol.dispose]();
  operation.keep();
}

export function appendEvent(
  room: Room,
  record: ContainerRecord,
  status: string,
  more: { readonly exitCode?: number; readonly attributes?: Readonly<Record<string, string>> } = {},
): void {
  room.state.events.append({
    type: 'container',
    status,
    id: record.id,
    name: record.name,
    image: record.config.imageName,
    ...(more.exitCode === undefined ? {} : { exitCode: more.exitCode }),
    attributes: { ...record.config.spec.labels, ...more.attributes },
  });
}

/** How a message for a person names a container. */
export function titleOf(record: ContainerRecord): string {
  return `container ${record.name} (${record.id.slice(0, 12)})`;
}
