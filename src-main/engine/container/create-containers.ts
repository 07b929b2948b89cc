import { join } from 'node:path';
import type { EngineConfig } from '../config/config.ts';
import { HeldTrees } from '../mount/mount.ts';
import { openSeccompCache } from '../runtime/runtime.ts';
import type { Containers, ExitHandler, Recovery } from './container.ts';
import { createExitHandler } from './exit-handler.ts';
import { ExitHub } from './exit-hub.ts';
import { listContainers } from './list.ts';
import { containerPaths } from './paths.ts';
import { createRecovery } from './recover.ts';
import { Restarts } from './restarts.ts';
import type { ContainerDependencies, Room } from './room.ts';
import { asOfNow, toSummary } from './summary.ts';

const actions = () => import('./actions.ts');
const trash = () => import('./trash.ts');

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
    trees: new HeldTrees({ ...dependencies, runRoot: config.runRoot }),
    seccompCache: openSeccompCache(config.runRoot, system.files, dependencies.runtime),
    get exitCommand() {
      return dependencies.exitCommand ?? cleanUpCommand(config);
    },
  };
  const report = dependencies.report ?? (() => undefined);
  const restarts = new Restarts(room, report);
  const exits = createExitHandler(room, restarts, report);
  const containers: Containers = {
    create: async (spec, options) => (await actions()).createContainer(room, spec, options),
    start: async (nameOrId) => (await actions()).startContainer(room, nameOrId),
    stop: async (nameOrId, timeoutSeconds, signal) => (await actions()).stopContainer(room, restarts, nameOrId, timeoutSeconds, signal),
    restart: async (nameOrId, timeoutSeconds, signal) =>
      (await actions()).restartContainer(room, restarts, nameOrId, timeoutSeconds, signal),
    kill: async (nameOrId, signalName) => (await actions()).killContainer(room, restarts, nameOrId, signalName),
    rename: async (nameOrId, name) => (await actions()).renameContainer(room, nameOrId, name),
    remove: async (nameOrId, options) => (await actions()).removeContainer(room, restarts, nameOrId, options),
    restore: async (trashId, name) => (await trash()).restoreContainer(room, trashId, name),
    discard: async (trashId) => (await trash()).discardContainer(room, trashId),
    recoverTrash: async () => (await trash()).recoverDiscards(room),
    wait: async (nameOrId, conditions, signal) => (await actions()).waitForCondition(room, nameOrId, conditions, signal),
    list: (options) => listContainers(room, options),
    summary: (record) => toSummary(asOfNow(room, record)),
    inspect: async (nameOrId, size) => (await actions()).inspectContainer(room, nameOrId, size),
    async *logs(nameOrId, options, signal) {
      yield* (await actions()).readLogs(room, nameOrId, options, signal);
    },
    async *attach(nameOrId, options, up, signal) {
      yield* (await actions()).attachContainer(room, restarts, nameOrId, options, up, signal);
    },
    async *exec(spec, up, signal) {
      yield* (await actions()).execInContainer(room, spec, up, signal);
    },
    execDetached: async (spec) => (await actions()).execDetached(room, spec),
    top: async (nameOrId, descriptors) => (await actions()).topOfContainer(room, nameOrId, descriptors),
    diff: async (nameOrId, options) => (await actions()).diffTrees(room, nameOrId, options),
    commit: async (nameOrId, options) => (await actions()).commitContainer(room, nameOrId, options),
    async *export(nameOrId, signal) {
      yield* (await actions()).exportContainer(room, nameOrId, signal);
    },
    async *exportFile(nameOrId, path, signal) {
      yield* (await actions()).exportContainerFile(room, nameOrId, path, signal);
    },
    mount: async (nameOrId) => (await actions()).mountContainer(room, nameOrId),
    unmount: async (nameOrId, force) => (await actions()).unmountContainer(room, nameOrId, force),
    mounted: async () => (await actions()).mountedContainers(room),
    mountImage: async (nameOrId) => (await actions()).mountImage(room, nameOrId),
    unmountImage: async (nameOrId, force) => (await actions()).unmountImage(room, nameOrId, force),
    releaseImage: async (nameOrId) => (await actions()).releaseImage(room, nameOrId),
    mountedImages: async () => (await actions()).mountedImages(room),
    async *stats(nameOrIds, intervalMs, once, signal) {
      yield* (await actions()).watchStats(room, nameOrIds, intervalMs, once, signal);
    },
  };
  return {
    containers,
    exits,
    recovery: { ...createRecovery(room, restarts, exits), findProblems: async () => (await import('./problems.ts')).findProblems(room) },
  };
}

/** The script takes the run root (for the janitor's lock), the graph root, and Podman's global options for the rest. */
export function cleanUpCommand(config: EngineConfig): readonly string[] {
  return [
    join(config.resources, 'bin', 'selkie-cleanup'),
    ...[config.runRoot, config.graphRoot, `--runtime=${config.ociRuntime}`],
    ...(config.cgroupManager === undefined ? [] : [`--cgroup-manager=${config.cgroupManager}`]),
    ...(config.storageDriver === undefined ? [] : [`--storage-driver=${config.storageDriver}`]),
    ...config.storageOptions.map((option) => `--storage-opt=${option}`),
  ];
}
