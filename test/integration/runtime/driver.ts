/**
 * A program that runs containers through the runtime and monitor rooms, in whatever namespaces it was started: one JSON request per line
 * on stdin, one answer per line on stdout. The tests speak to it through actor.ts.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { isEngineError, messageOf } from '../../../src-main/base/errors.ts';
import { containerSpec, type ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import type { ContainerId } from '../../../src-main/contract/ids.ts';
import type { EngineConfig } from '../../../src-main/engine/config/config.ts';
import { openMonitor } from '../../../src-main/engine/monitor/monitor.ts';
import {
  buildExecProcess,
  buildRuntimeSpec,
  checkRuntimeOptions,
  ensureWorkingDirectory,
  openOciRuntime,
} from '../../../src-main/engine/runtime/runtime.ts';
import type { ContainerConfig, ContainerMount } from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { PacketSocket } from '../../../src-main/system/system.ts';

export interface ContainerRequest {
  readonly spec?: Partial<ContainerSpecInput>;
  readonly command: readonly string[];
  readonly mounts?: readonly Partial<ContainerMount>[];
  readonly networkMode?: ContainerConfig['networkMode'];
  readonly imageWorkingDirectory?: string;
  readonly imageUser?: string;
  readonly exitCommand?: readonly string[];
  readonly rootfs?: string;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly warnings: readonly string[];
}

export interface ExecRequest {
  readonly id: string;
  readonly command: readonly string[];
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly detached?: boolean;
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly environment?: readonly string[];
  readonly privileged?: boolean;
  readonly size?: { readonly rows: number; readonly columns: number };
  readonly stdin?: string;
  /** After the first output. */
  readonly resize?: { readonly rows: number; readonly columns: number };
  /** After the first output. */
  readonly kill?: number;
}

const [, , directory = '', rootfs = '', ociRuntime = 'crun'] = process.argv;
const system = createLinuxSystem();
const config: EngineConfig = {
  graphRoot: join(directory, 'graph'),
  runRoot: join(directory, 'run'),
  storageDriver: undefined,
  storageOptions: [],
  ociRuntime,
  cgroupManager: system.identity.rootless ? undefined : 'cgroupfs',
  networkBackend: 'netavark',
  rootlessNetwork: 'pasta',
  imageVolume: 'bind',
  defaults: {
    capabilities: [
      ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID'],
      'SYS_CHROOT',
    ],
    sysctls: ['net.ipv4.ping_group_range=0 0'],
    ulimits: [],
    environment: [],
    pidsLimit: 2048,
    seccompProfile: '/usr/share/containers/seccomp.json',
    initPath: undefined,
    shmSizeBytes: 65536 * 1024,
    umask: '0022',
    dnsServers: [],
    dnsSearch: [],
    dnsOptions: [],
    stopTimeoutSeconds: 10,
    logMaxSizeBytes: -1,
    userNamespace: '',
  },
  resources: '',
  sources: [],
};
const runtime = openOciRuntime({ config, system });
const monitor = openMonitor({ config, system, runtime });
const exits = join(config.runRoot, 'exits');
const known = new Map<string, { config: ContainerConfig; bundle: string; rootfs: string }>();
let counter = 0;

function containerConfig(request: ContainerRequest, id: string): ContainerConfig {
  const spec = v.parse(containerSpec, { image: 'none', ...request.spec });
  return {
    spec,
    imageName: 'none',
    imageConfig: {
      ...{ user: request.imageUser ?? '', exposedPorts: [], environment: ['FROM_IMAGE=yes'], entrypoint: [], command: [], volumes: [] },
      ...{ workingDirectory: request.imageWorkingDirectory ?? '', labels: {}, stopSignal: '' },
    },
    parentChainId: undefined,
    entrypoint: spec.entrypoint ?? [],
    command: request.command,
    hostname: spec.hostname ?? id.slice(0, 12),
    mounts: (request.mounts ?? []).map((mount) => ({
      ...{ type: 'bind', source: '', hostPath: '', target: '', readOnly: false, options: [], volumeName: '', anonymous: false },
      ...mount,
    })),
    ports: [],
    networkMode: request.networkMode ?? 'host',
    logPath: join(directory, `${id}.log`),
    warnings: [],
  };
}

async function create(request: ContainerRequest) {
  const id = String(++counter).padStart(64, 'a') as ContainerId;
  const container = { id, name: `test-${counter}`, createdAt: Date.now(), config: containerConfig(request, id) };
  const bundle = join(config.runRoot, 'containers', id);
  mkdirSync(bundle, { recursive: true });
  mkdirSync(exits, { recursive: true });
  const file = (name: string): string => {
    const path = join(bundle, name);
    writeFileSync(path, `${name} of ${id}\n`);
    return path;
  };
  const files = { hosts: file('hosts'), resolvConf: file('resolvConf'), hostname: file('hostname'), containerenv: file('containerenv') };
  const root = request.rootfs ?? rootfs;
  const checked = checkRuntimeOptions({ config, system, spec: container.config.spec, networkMode: container.config.networkMode });
  const began = performance.now();
  const built = buildRuntimeSpec({ config, system, container, rootfs: root, files, sandboxPath: undefined });
  const buildMs = performance.now() - began;
  ensureWorkingDirectory(system.attributes, container, root, built.user);
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(built.spec));
  known.set(id, { config: container.config, bundle, rootfs: root });
  const { spec } = container.config;
  const startedAt = performance.now();
  const pids = await monitor.create({
    ...{ containerId: id, name: container.name, bundle, pidFile: join(bundle, 'pidfile'), conmonPidFile: join(bundle, 'conmon.pid') },
    ...{ exitDirectory: exits, persistDirectory: bundle, logDriver: spec.logDriver, logPath: container.config.logPath },
    ...{ logMaxSizeBytes: spec.logMaxSizeBytes, tty: spec.tty, interactive: spec.interactive, exitCommand: request.exitCommand ?? [] },
    ...{ systemdCgroup: false, timeoutSeconds: spec.timeoutSeconds },
  });
  return {
    id,
    bundle,
    logPath: container.config.logPath,
    ...pids,
    warnings: [...checked, ...built.warnings],
    buildMs,
    createMs: performance.now() - startedAt,
  };
}

async function exitCode(id: string): Promise<number> {
  const path = join(exits, id);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const watch = system.files.watchDirectory(exits, () => {
    if (existsSync(path)) resolve(undefined);
  });
  try {
    if (!existsSync(path)) await promise;
    return Number(readFileSync(path, 'utf8'));
  } finally {
    watch[Symbol.dispose]();
  }
}

async function collect(socket: PacketSocket, onFirst: () => void = () => undefined) {
  const parts: Record<number, Buffer[]> = { 2: [], 3: [] };
  let first = true;
  for await (const packet of socket.packets) {
    parts[packet[0] ?? 0]?.push(Buffer.from(packet.subarray(1)));
    if (first) onFirst();
    first = false;
  }
  socket.close();
  return { stdout: Buffer.concat(parts[2] ?? []).toString(), stderr: Buffer.concat(parts[3] ?? []).toString() };
}

/** create, attach, start, wait, delete. */
async function run(request: ContainerRequest & { stdin?: string; resize?: { rows: number; columns: number } }): Promise<Output> {
  const made = await create(request);
  try {
    const socket = await monitor.attach(made.bundle);
    const output = collect(socket, () => {
      if (request.resize) monitor.resize(made.bundle, request.resize.rows, request.resize.columns);
    });
    await runtime.start(made.id);
    if (request.stdin !== undefined) {
      await socket.send(Buffer.from(request.stdin));
      socket.endWriting();
    }
    const code = await exitCode(made.id);
    return { ...(await output), code, warnings: made.warnings };
  } finally {
    await remove(made.id);
  }
}

async function remove(id: string): Promise<void> {
  const held = known.get(id);
  const conmonPid = held ? Number(system.files.readTextIfExists(join(held.bundle, 'conmon.pid')) ?? '0') : 0;
  await runtime.delete(id, { force: true });
  if (conmonPid > 0 && existsSync(join(held?.bundle ?? '', 'pidfile'))) await exitCode(id);
  while (conmonPid > 0 && system.processes.startTime(conmonPid) !== undefined) await new Promise((resolve) => setImmediate(resolve));
  rmSync(join(exits, id), { force: true });
  if (held) rmSync(held.bundle, { recursive: true, force: true });
  known.delete(id);
}

async function exec(request: ExecRequest) {
  const held = known.get(request.id);
  if (!held) throw new Error('no such container');
  const execDirectory = join(held.bundle, `exec-${++counter}`);
  mkdirSync(execDirectory, { recursive: true });
  const processSpecPath = join(execDirectory, 'process.json');
  const spec = buildExecProcess({
    ...{ config, system, container: held.config, rootfs: held.rootfs, command: request.command, tty: request.tty ?? false },
    ...{ environment: request.environment ?? [], user: request.user, workingDirectory: request.workingDirectory },
    ...{ privileged: request.privileged ?? false, size: request.size },
  });
  writeFileSync(processSpecPath, JSON.stringify(spec));
  const began = performance.now();
  try {
    const session = await monitor.exec({
      ...{ containerId: request.id, execId: `e${counter}`, bundle: held.bundle, directory: execDirectory, processSpecPath },
      ...{ tty: request.tty ?? false, interactive: request.interactive ?? false, detached: request.detached ?? false },
      ...{ exitCommand: [], size: request.size },
    });
    const output = session.socket
      ? collect(session.socket, () => {
          if (request.resize) session.resize(request.resize.rows, request.resize.columns);
          if (request.kill !== undefined) session.kill(request.kill);
        })
      : undefined;
    if (request.stdin !== undefined && session.socket) {
      await session.socket.send(Buffer.from(request.stdin));
      session.socket.endWriting();
    }
    const startedMs = performance.now() - began;
    const code = await session.exited;
    return { ...(await output), code, pid: session.pid, startedMs, ms: performance.now() - began };
  } finally {
    rmSync(execDirectory, { recursive: true, force: true });
  }
}

/** Times of create to started, without attach. */
async function measure(request: ContainerRequest & { times: number }) {
  const samples: { build: number; create: number; start: number; total: number }[] = [];
  for (let index = 0; index < request.times; index++) {
    const began = performance.now();
    const made = await create(request);
    const created = performance.now();
    await runtime.start(made.id);
    samples.push({ build: made.buildMs, create: made.createMs, start: performance.now() - created, total: performance.now() - began });
    await remove(made.id);
  }
  return samples;
}

// Watches and detached monitors do not keep a program alive; requests under way have to.
const alive = setInterval(() => undefined, 60_000);

const operations: Readonly<Record<string, (argument: never) => unknown>> = {
  run,
  create,
  exec,
  measure,
  remove: (id: string) => remove(id),
  start: (id: string) => runtime.start(id),
  kill: ({ id, signal, all }: { id: string; signal: number; all?: boolean }) => runtime.kill(id, signal, all === undefined ? {} : { all }),
  exitCode: (id: string) => exitCode(id),
  list: () => runtime.list(),
  describe: async () => ({
    runtime: await runtime.describe(),
    monitor: await monitor.describe(),
    manager: runtime.cgroupManager,
    cgroups: system.cgroups.version,
    controllers: system.cgroups.availableControllers(),
  }),
  read: (path: string) => readFileSync(path, 'utf8'),
  deleteUnknown: () => runtime.delete('f'.repeat(64), { force: true }),
  killUnknown: () => runtime.kill('f'.repeat(64), 9),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { operation, argument } = JSON.parse(line) as { operation: string; argument: never };
  try {
    process.stdout.write(`${JSON.stringify({ value: await operations[operation]?.(argument) })}\n`);
  } catch (error) {
    const data = isEngineError(error)
      ? error.toData()
      : { code: 'thrown', message: messageOf(error), stack: error instanceof Error ? error.stack : '' };
    process.stdout.write(`${JSON.stringify({ error: data })}\n`);
  }
}
clearInterval(alive);
