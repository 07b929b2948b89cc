import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import type { NetworkSettings } from '../../contract/container.ts';
import type { NetworkSetup } from '../network/network.ts';
import type { ContainerRecord, Operation } from '../state/state.ts';
import { cleanUp, hasLeftovers, removeExitFile } from './cleanup.ts';
import { rewriteHosts, writeEtcFiles } from './etc-files.ts';
import { findExit, settleExit } from './exit.ts';
import { waitForMonitor } from './monitor-end.ts';
import { bundleFiles, readPid } from './paths.ts';
import { appendEvent, endOperation, isActive, titleOf, type Room } from './room.ts';
import { giveAway, isGivenAway } from './given-away.ts';
import { openUserNamespace, prepareTree } from './start-mapped.ts';
import { writeRuntimeConfig, type TerminalSize } from './runtime-config.ts';

export interface StartOptions {
  /** Runs once the container is created and conmon listens, before its process begins: attach here and no output is lost. */
  readonly beforeRun?: (record: ContainerRecord) => Promise<void>;
  /** Asked under the lock; when it says no, nothing happens. */
  readonly onlyIf?: (record: ContainerRecord) => boolean;
  /** The terminal's first size. */
  readonly size?: TerminalSize | undefined;
  /** Default 0: the user started it. */
  readonly restartCount?: number;
}

export interface Started {
  readonly record: ContainerRecord;
  readonly warnings: readonly string[];
  /** False when it was running already, or `onlyIf` said no. */
  readonly started: boolean;
}

/**
 * Starts a container, under its lock. Running already: no error. When a step fails, all before it is undone, the record keeps the
 * error and its state from before.
 */
export async function startContainer(room: Room, nameOrId: string, options: StartOptions = {}): Promise<Started> {
  const { id } = room.state.containers.resolve(nameOrId);
  using _lock = await room.state.lock('container', id);
  const record = await toStartable(room, room.state.containers.get(id));
  if (isActive(record) || options.onlyIf?.(record) === false) return { record, warnings: [], started: false };
  if (hasLeftovers(room, record)) await cleanUp(room, record);
  removeExitFile(room, id);
  using operation = room.state.operations.begin('container.start', id);
  try {
    return await launch(room, record, operation, options);
  } catch (error) {
    await undoStart(room, record, operation, error);
    throw error;
  }
}

async function toStartable(room: Room, record: ContainerRecord): Promise<ContainerRecord> {
  if (record.state === 'removing') {
    throw new EngineError('wrong-state', `unable to start ${titleOf(record)}: it is being removed: container state improper`);
  }
  const found = findExit(room, record);
  if (!found) return record;
  // Its end was not handled yet. The user's start takes the place of what the policy would have done.
  const settled = await settleExit(room, record, found);
  if (settled.followUp !== 'none') endOperation(settled.operation);
  return settled.record;
}

/** The hot path: what it does besides the monitor, the runtime and the network has to stay in the range of a few milliseconds. */
async function launch(room: Room, record: ContainerRecord, operation: Operation, options: StartOptions): Promise<Started> {
  const { id, config } = record;
  const bundle = room.paths.bundle(id);
  const rootfs = room.snapshots.mount(id);
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  mkdirSync(room.paths.exits, { recursive: true, mode: 0o700 });
  mkdirSync(room.paths.directory(id), { recursive: true, mode: 0o700 });
  using userNamespace = config.userNamespace && (await openUserNamespace(room, config.userNamespace));
  const setup = await setUpNetwork(room, record, userNamespace?.descriptor);
  writeEtcFiles(room, record, setup);
  if (config.userNamespace) prepareTree(room, record, config.userNamespace, rootfs);
  if (config.mounts.some(isGivenAway)) await giveAway(room, config, rootfs);
  const runtimeConfig = writeRuntimeConfig(room, record, {
    ...{ rootfs, sandboxPath: setup.sandboxPath, userNamespacePath: userNamespace?.path },
    size: options.size,
  });
  const { spec } = config;
  const [connected, created] = await bothOf(
    setup.connected,
    room.monitor.create({
      containerId: id,
      name: record.name,
      bundle,
      pidFile: join(bundle, bundleFiles.pidFile),
      conmonPidFile: join(bundle, bundleFiles.conmonPidFile),
      exitDirectory: room.paths.exits,
      persistDirectory: bundle,
      logDriver: spec.logDriver,
      logPath: config.logPath,
      logMaxSizeBytes: spec.logMaxSizeBytes > 0 ? spec.logMaxSizeBytes : Math.max(0, room.config.defaults.logMaxSizeBytes),
      tty: spec.tty,
      interactive: spec.interactive,
      exitCommand: room.exitCommand,
      systemdCgroup: room.runtime.cgroupManager === 'systemd',
      timeoutSeconds: spec.timeoutSeconds,
    }),
  );
  runtimeConfig.created();
  completeHosts(room, record, setup, connected);
  const { processes, clock, identity } = room.system;
  const pidStartTime = processes.startTime(created.pid) ?? 0;
  const conmonStartTime = processes.startTime(created.conmonPid) ?? 0;
  await options.beforeRun?.(record);
  // Before: a short-lived one may be over when the runtime returns.
  const startedAt = Math.round(clock.nowMs());
  await room.runtime.start(id);
  const running = room.state.transaction(() => {
    const after = room.state.containers.update(id, {
      state: 'running',
      pid: created.pid,
      pidStartTime,
      conmonPid: created.conmonPid,
      conmonStartTime,
      startedAt,
      finishedAt: undefined,
      exitCode: undefined,
      oomKilled: false,
      error: '',
      restartCount: options.restartCount ?? 0,
      stoppedByUser: false,
      network: connected,
      bootId: identity.bootId,
    });
    appendEvent(room, after, 'init');
    appendEvent(room, after, 'start');
    endOperation(operation);
    return after;
  });
  return { record: running, warnings: [...setup.warnings, ...runtimeConfig.warnings], started: true };
}

/** What teardown needs is in the record before the first packet: a crash from here on leaks no network. */
async function setUpNetwork(room: Room, record: ContainerRecord, userNamespace: number | undefined): Promise<NetworkSetup> {
  const { config } = record;
  const setup = await room.network.setup({
    containerId: record.id,
    containerName: record.name,
    hostname: config.hostname,
    mode: config.networkMode,
    options: config.spec.network.options,
    ports: config.ports,
    runDirectory: room.paths.bundle(record.id),
    userNamespace,
  });
  // Seen by `bothOf` later; until then a rejection is not unhandled.
  setup.connected.catch(() => undefined);
  if (setup.state !== undefined && setup.state !== null) room.state.containers.update(record.id, { networkState: setup.state });
  return setup;
}

/** The address that only the network tool could tell goes into /etc/hosts before the process begins. */
function completeHosts(room: Room, record: ContainerRecord, setup: NetworkSetup, connected: NetworkSettings): void {
  const [first] = connected.networks;
  if (setup.address !== undefined || first === undefined || first.ipAddress === '') return;
  rewriteHosts(room, record, { ...setup, address: first.ipAddress, hostAddress: setup.hostAddress ?? (first.gateway || undefined) });
}

/** Waits for both also when one fails, so that undoing never races with the other. */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

async function undoStart(room: Room, record: ContainerRecord, operation: Operation, cause: unknown): Promise<void> {
  let clean = true;
  const conmonPid = readPid(join(room.paths.bundle(record.id), bundleFiles.conmonPidFile));
  try {
    await cleanUp(room, room.state.containers.get(record.id));
  } catch {
    // The operation stays in the journal: the next engine tries again. What the user is told is why the start failed.
    clean = false;
  }
  if (conmonPid !== undefined) await waitForMonitor(room, record.id, conmonPid);
  removeExitFile(room, record.id);
  room.state.transaction(() => {
    room.state.containers.update(record.id, {
      error: isEngineError(cause) ? cause.message : `internal error: ${messageOf(cause)}`,
      ...(clean ? { networkState: undefined } : {}),
    });
    if (clean) endOperation(operation);
    else operation.keep();
  });
}
