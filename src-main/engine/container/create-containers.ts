import { join } from 'node:path';
import type { EngineConfig } from '../config/config.ts';
import { openSeccompCache } from '../runtime/runtime.ts';
import { attachContainer } from './attach.ts';
import type { Containers, ExitHandler, Recovery } from './container.ts';
import { createContainer } from './create.ts';
import { execDetached, execInContainer } from './exec.ts';
import { createExitHandler } from './exit-handler.ts';
import { ExitHub } from './exit-hub.ts';
import { inspectContainer } from './inspect.ts';
import { listContainers } from './list.ts';
import { readLogs } from './logs.ts';
import { containerPaths } from './paths.ts';
import { findProblems } from './problems.ts';
import { createRecovery } from './recover.ts';
import { removeContainer, renameContainer, restartContainer } from './manage.ts';
import { Restarts } from './restarts.ts';
import type { ContainerDependencies, Room } from './room.ts';
import { startContainer } from './start.ts';
import { watchStats } from './stats.ts';
import { killContainer, stopContainer } from './stop.ts';
import { asOfNow, toSummary } from './summary.ts';
import { topOfContainer } from './top.ts';
import { waitForCondition } from './wait.ts';

export function createContainers(dependencies: ContainerDependencies): {
  readonly containers: Containers;
  readonly exits: ExitHandler;
  readonly recovery: Recovery;
} {
  const { config, system } = dependencies;
  const paths = containerPaths(config);
  const room: Room = {
    ...dependencies,
    paths,
    exitHub: new ExitHub(paths.exits, system.files),
    seccompCache: openSeccompCache(config.runRoot, system.files, dependencies.runtime),
    get exitCommand() {
      return dependencies.exitCommand ?? cleanUpCommand(config);
    },
  };
  const report = dependencies.report ?? (() => undefined);
  const restarts = new Restarts(room, report);
  const exits = createExitHandler(room, restarts, report);
  const containers: Containers = {
    create: (spec, options) => createContainer(room, spec, options),
    start: (nameOrId) => startContainer(room, nameOrId),
    stop: (nameOrId, timeoutSeconds, signal) => stopContainer(room, restarts, nameOrId, timeoutSeconds, signal),
    restart: (nameOrId, timeoutSeconds, signal) => restartContainer(room, restarts, nameOrId, timeoutSeconds, signal),
    kill: (nameOrId, signalName) => killContainer(room, restarts, nameOrId, signalName),
    rename: (nameOrId, name) => renameContainer(room, nameOrId, name),
    remove: (nameOrId, options) => removeContainer(room, restarts, nameOrId, options),
    wait: (nameOrId, conditions, signal) => waitForCondition(room, nameOrId, conditions, signal),
    list: (options) => listContainers(room, options),
    summary: (record) => toSummary(asOfNow(room, record)),
    inspect: (nameOrId, size) => inspectContainer(room, nameOrId, size),
    logs: (nameOrId, options, signal) => readLogs(room, nameOrId, options, signal),
    attach: (nameOrId, options, up, signal) => attachContainer(room, restarts, nameOrId, options, up, signal),
    exec: (spec, up, signal) => execInContainer(room, spec, up, signal),
    execDetached: (spec) => execDetached(room, spec),
    top: (nameOrId, descriptors) => Promise.resolve(topOfContainer(room, nameOrId, descriptors)),
    stats: (nameOrIds, intervalMs, once, signal) => watchStats(room, nameOrIds, intervalMs, once, signal),
  };
  return {
    containers,
    exits,
    recovery: { ...createRecovery(room, restarts, exits), findProblems: () => findProblems(room) },
  };
}

/** The script takes the run root (for the janitor's lock), the graph root, and Podman's global options for the rest. */
function cleanUpCommand(config: EngineConfig): readonly string[] {
  return [
    join(config.resources, 'bin', 'selkie-cleanup'),
    ...[config.runRoot, config.graphRoot, `--runtime=${config.ociRuntime}`],
    ...(config.cgroupManager === undefined ? [] : [`--cgroup-manager=${config.cgroupManager}`]),
    ...(config.storageDriver === undefined ? [] : [`--storage-driver=${config.storageDriver}`]),
    ...config.storageOptions.map((option) => `--storage-opt=${option}`),
  ];
}
