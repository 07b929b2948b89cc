import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import { containerSpec, type ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import type { ContainerId } from '../../../src-main/contract/ids.ts';
import type { EngineConfig } from '../../../src-main/engine/config/config.ts';
import { deviceNumbers, parseDevice } from '../../../src-main/engine/runtime/devices.ts';
import { parseCpuList } from '../../../src-main/engine/runtime/resources.ts';
import {
  buildExecProcess,
  buildRuntimeSpec,
  cgroupManagerFor,
  checkRuntimeOptions,
  type OciSpec,
} from '../../../src-main/engine/runtime/runtime.ts';
import type { ContainerConfig, ContainerMount } from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { CgroupVersion, System } from '../../../src-main/system/system.ts';

const linux = createLinuxSystem();
const rootfs = mkdtempSync('/tmp/selkie-spec-');
mkdirSync(join(rootfs, 'etc'));
afterAll(() => rmSync(rootfs, { recursive: true, force: true }));

const config: EngineConfig = {
  ...{ graphRoot: '/g', runRoot: '/r', storageDriver: undefined, storageOptions: [], ociRuntime: 'crun', cgroupManager: 'cgroupfs' },
  ...{ networkBackend: 'netavark', rootlessNetwork: 'pasta', imageVolume: 'bind', resources: '', sources: [] },
  defaults: {
    ...{
      capabilities: ['CHOWN', 'KILL'],
      sysctls: ['net.ipv4.ping_group_range=0 0'],
      ulimits: [],
      environment: ['CONF=1'],
      pidsLimit: 2048,
    },
    ...{ seccompProfile: 'unconfined', initPath: undefined, shmSizeBytes: 65536000, umask: '0022', dnsServers: [], dnsSearch: [] },
    ...{ dnsOptions: [], stopTimeoutSeconds: 10, logMaxSizeBytes: -1, userNamespace: '' },
  },
};

interface Host {
  readonly rootless?: boolean;
  readonly version?: CgroupVersion;
  readonly controllers?: readonly string[];
}

/** This machine's kernel, under another kind of host. */
function systemOf({ rootless = false, version = 'v1', controllers = ['memory', 'cpu', 'cpuset', 'pids', 'blkio'] }: Host): System {
  return {
    ...linux,
    identity: { ...linux.identity, rootless, hostUid: rootless ? 54321 : 0, gidMap: [{ containerId: 0, hostId: 1000, size: 1 }] },
    cgroups: { ...linux.cgroups, version, availableControllers: () => controllers, pathsOf: () => new Map([['', '/own']]) },
  };
}

interface Case extends Host {
  readonly spec?: Partial<ContainerSpecInput>;
  readonly mounts?: readonly Partial<ContainerMount>[];
  readonly networkMode?: ContainerConfig['networkMode'];
  readonly sandboxPath?: string;
}

function containerOf(input: Case): ContainerConfig {
  const spec = v.parse(containerSpec, { image: 'x', ...input.spec });
  const imageConfig = {
    ...{ user: '', exposedPorts: [], environment: ['IMAGE=1', 'CONF=2', 'novalue'], entrypoint: [], command: [], volumes: [] },
    ...{ workingDirectory: '', labels: {}, stopSignal: '' },
  };
  return {
    ...{ spec, imageName: 'x', imageConfig, parentChainId: undefined, entrypoint: ['/entry'], command: ['a', 'b'], hostname: 'box' },
    mounts: (input.mounts ?? []).map((mount) => ({
      ...{ type: 'bind', source: '', hostPath: '/h', target: '/t', readOnly: false, options: [], volumeName: '', anonymous: false },
      ...mount,
    })),
    ...{ ports: [], networkMode: input.networkMode ?? 'bridge', logPath: '/l', warnings: [] },
  };
}

function build(input: Case = {}): OciSpec {
  return buildRuntimeSpec({
    ...{ config, system: systemOf(input), rootfs, sandboxPath: input.sandboxPath },
    container: { id: 'f'.repeat(64) as ContainerId, name: 'n', createdAt: 0, config: containerOf(input) },
    files: { hosts: '/b/hosts', resolvConf: '/b/resolv.conf', hostname: undefined, containerenv: '/b/.containerenv' },
  }).spec;
}

function check(input: Case): readonly string[] {
  const { spec, networkMode } = containerOf(input);
  return checkRuntimeOptions({ config, system: systemOf(input), spec, networkMode });
}

const mountAt = (spec: OciSpec, destination: string) => spec.mounts.find((mount) => mount.destination === destination);
const namespaces = (spec: OciSpec) => Object.fromEntries(spec.linux.namespaces.map(({ type, path }) => [type, path ?? 'new']));

describe('process', () => {
  test('command, environment from all places, the later winning', () => {
    const { process } = build({ spec: { environment: ['HOSTNAME=mine', 'X=a=b'], tty: true } });
    expect(process.args).toEqual(['/entry', 'a', 'b']);
    expect(Object.fromEntries(process.env.map((entry) => entry.split(/=(.*)/s, 2)))).toMatchObject({
      ...{ container: 'podman', TERM: 'xterm', CONF: '2', IMAGE: '1', HOSTNAME: 'mine', HOME: '/root', X: 'a=b' },
    });
    expect(process).toMatchObject({
      terminal: true,
      consoleSize: { height: 24, width: 80 },
      cwd: '/',
      user: { uid: 0, gid: 0, umask: 18 },
    });
  });

  test('with an init', () => {
    const spec = build({ spec: { init: true } });
    expect(spec.process.args).toEqual(['/run/podman-init', '--', '/entry', 'a', 'b']);
    expect(mountAt(spec, '/run/podman-init')?.options).toContain('ro');
    expect(() => check({ spec: { init: true, pid: 'host' } })).toThrow("cannot add init binary as PID 1 (PID namespace isn't private)");
  });

  test('unlimited stays unlimited in JSON, and limits never exceed ours', () => {
    const unlimited = systemOf({});
    const { process } = buildRuntimeSpec({
      ...{
        config,
        rootfs,
        sandboxPath: undefined,
        files: { hosts: undefined, resolvConf: undefined, hostname: undefined, containerenv: undefined },
      },
      system: {
        ...unlimited,
        processes: {
          ...unlimited.processes,
          resourceLimit: (name) => (name === 'core' ? { soft: 0, hard: Infinity } : { soft: 1, hard: 2 }),
        },
      },
      container: {
        ...{ id: 'f'.repeat(64) as ContainerId, name: 'n', createdAt: 0 },
        config: containerOf({
          spec: {
            ulimits: [
              { name: 'core', soft: -1, hard: -1 },
              { name: 'RLIMIT_MEMLOCK', soft: -1, hard: -1 },
            ],
          },
        }),
      },
    }).spec;
    expect(JSON.stringify(process.rlimits)).toBe(
      '[{"type":"RLIMIT_NOFILE","hard":2,"soft":2},{"type":"RLIMIT_NPROC","hard":2,"soft":2},' +
        '{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":18446744073709551615},{"type":"RLIMIT_MEMLOCK","hard":2,"soft":2}]',
    );
    expect(() => check({ spec: { ulimits: [{ name: 'foo', soft: 1, hard: 1 }] } })).toThrow('invalid ulimit type: foo');
  });

  test('exec: surroundings of the container, changed by the request', () => {
    const request = {
      environment: ['CONF=3'],
      user: '7:8',
      workingDirectory: 'sub',
      tty: true,
      size: { rows: 1, columns: 2 },
      privileged: false,
    };
    const process = buildExecProcess({
      config,
      system: systemOf({}),
      container: containerOf({ spec: { capAdd: ['NET_ADMIN'] } }),
      rootfs,
      command: ['c'],
      ...request,
    });
    expect(process).toMatchObject({ args: ['c'], cwd: '/sub', user: { uid: 7, gid: 8 }, consoleSize: { height: 1, width: 2 } });
    expect(process.env).toContain('CONF=3');
    expect(process.capabilities.effective).toEqual(['CAP_NET_ADMIN']);
  });
});

describe('mounts', () => {
  test('in order of depth, the user over the engine, a folder above before one below', () => {
    const spec = build({
      mounts: [
        { target: '/a/b/c' },
        { target: '/a/' },
        { target: '/etc/hosts', hostPath: '/mine' },
        { type: 'tmpfs', target: '/dev/shm', options: ['size=1k'] },
      ],
    });
    const order = spec.mounts.map((mount) => mount.destination);
    for (const [above, below] of [
      ['/a', '/a/b/c'],
      ['/dev', '/dev/pts'],
      ['/sys', '/sys/fs/cgroup'],
    ] as const)
      expect(order.indexOf(above)).toBeLessThan(order.indexOf(below));
    expect(new Set(order).size).toBe(order.length);
    expect(mountAt(spec, '/etc/hosts')?.source).toBe('/mine');
    expect(mountAt(spec, '/dev/shm')?.options).toContain('size=1k');
    expect(mountAt(spec, '/etc/hostname')).toBeUndefined();
  });

  test("Podman's option defaults", () => {
    const spec = build({
      mounts: [
        { target: '/bind', readOnly: true },
        { target: '/volume', type: 'volume', options: ['z', 'exec'] },
        { target: '/slave', options: ['rslave', 'bind'] },
        { target: '/tmpfs', type: 'tmpfs', options: ['notmpcopyup', 'mode=1777', 'suid'] },
      ],
    });
    expect(mountAt(spec, '/bind')?.options).toEqual(['ro', 'rbind', 'rprivate']);
    expect(mountAt(spec, '/volume')?.options).toEqual(['exec', 'nosuid', 'nodev', 'rbind', 'rprivate']);
    expect(mountAt(spec, '/slave')?.options).toEqual(['rslave', 'bind']);
    expect(mountAt(spec, '/tmpfs')?.options).toEqual(['mode=1777', 'suid', 'nodev', 'rw', 'rprivate']);
    expect(spec.linux.rootfsPropagation).toBe('rslave');
  });

  test.each([
    [{ type: 'tmpfs', target: '/x', options: ['foo'] }, 'unknown mount option "foo": invalid mount option'],
    [{ type: 'tmpfs', target: '/x', options: ['size=1m,exec'] }, 'unknown mount option'],
    [{ type: 'bind', source: '/', target: '/x', options: ['size=1m'] }, 'unknown mount option'],
    [{ type: 'bind', source: '/', target: '/x', options: ['O'] }, 'not supported'],
    [{ type: 'bind', source: '/', target: '/x', options: ['ro', 'rw'] }, 'has both'],
  ] as const)('%j is refused', (mount, words) => {
    expect(() => check({ spec: { mounts: [{ ...mount, options: [...mount.options] }] } })).toThrow(words);
  });

  test('what a user namespace may not mount is bound, and the tty group left out', () => {
    const own = build({ rootless: true, networkMode: 'none' });
    expect(mountAt(own, '/sys')?.type).toBe('sysfs');
    expect(mountAt(own, '/sys/fs/cgroup')).toBeUndefined();
    expect(mountAt(own, '/dev/pts')?.options).not.toContain('gid=5');
    const host = build({ rootless: true, networkMode: 'host', spec: { pid: 'host', ipc: 'host' } });
    expect(mountAt(host, '/sys')).toMatchObject({ type: 'bind', source: '/sys' });
    expect(mountAt(host, '/sys/fs/cgroup')).toMatchObject({ type: 'tmpfs' });
    expect(mountAt(host, '/proc')).toMatchObject({ type: 'bind', source: '/proc' });
    expect(mountAt(host, '/dev/shm')).toMatchObject({ type: 'bind' });
    expect(mountAt(build(), '/dev/pts')?.options).toContain('gid=5');
  });

  test('a read-only root', () => {
    const spec = build({ spec: { readOnlyRootfs: true }, mounts: [{ target: '/tmp' }] });
    expect(spec.root).toEqual({ path: rootfs, readonly: true });
    expect(mountAt(spec, '/tmp')?.type).toBe('bind');
    expect(mountAt(spec, '/run')?.options).toContain('tmpcopyup');
    expect(mountAt(spec, '/etc/hosts')?.options).toContain('ro');
    expect(mountAt(build({ spec: { readOnlyRootfs: true, readOnlyTmpfs: false } }), '/run')).toBeUndefined();
  });
});

describe('namespaces, settings, cgroups', () => {
  test('namespaces', () => {
    expect(namespaces(build({ sandboxPath: '/ns' }))).toEqual({ mount: 'new', pid: 'new', ipc: 'new', uts: 'new', network: '/ns' });
    expect(namespaces(build({ networkMode: 'host', version: 'v2', spec: { pid: 'host', ipc: 'host', uts: 'host' } }))).toEqual({
      mount: 'new',
      cgroup: 'new',
    });
    expect(build({ spec: { uts: 'host' } }).hostname).toBeUndefined();
    expect(() => check({ spec: { uts: 'host', hostname: 'x' } })).toThrow('cannot set hostname');
  });

  test('sysctls belong to a namespace of the container', () => {
    expect(build({ spec: { sysctls: ['kernel.msgmax=1', 'net/core/somaxconn=5'] } }).linux.sysctl).toEqual({
      ...{ 'net.ipv4.ping_group_range': '0 0', 'kernel.msgmax': '1', 'net.core.somaxconn': '5' },
    });
    expect(build({ networkMode: 'host' }).linux.sysctl).toBeUndefined();
    expect(() => check({ spec: { sysctls: ['vm.swappiness=1'] } })).toThrow("sysctl 'vm.swappiness' is not allowed");
    expect(() => check({ spec: { sysctls: ['foo'] } })).toThrow('foo is invalid, sysctl values must be in the form of KEY=VALUE');
    expect(() => check({ spec: { sysctls: ['net.x=1'] }, networkMode: 'host' })).toThrow(
      "can't be set since Network Namespace set to host",
    );
    expect(() => check({ spec: { sysctls: ['kernel.sem=1'], ipc: 'host' } })).toThrow("can't be set since IPC Namespace set to host");
    expect(() => check({ spec: { sysctls: ['net.../../vm=1'] } })).toThrow('is invalid');
  });

  test('who makes the cgroup', () => {
    expect(cgroupManagerFor(config, systemOf({}))).toBe('cgroupfs');
    expect(cgroupManagerFor(config, systemOf({ rootless: true }))).toBe('disabled');
    expect(cgroupManagerFor(config, systemOf({ version: 'none' }))).toBe('disabled');
    expect(cgroupManagerFor(config, systemOf({ rootless: true, version: 'v2' }))).toBe('cgroupfs');
    expect(cgroupManagerFor(config, systemOf({ rootless: true, version: 'v2', controllers: [] }))).toBe('disabled');
    expect(build().linux.cgroupsPath).toBe(`/selkie-${'f'.repeat(64)}`);
    expect(build({ rootless: true }).linux.cgroupsPath).toBeUndefined();
    expect(build({ rootless: true, version: 'v2' }).linux.cgroupsPath).toBe(`/own/selkie-${'f'.repeat(64)}`);
  });

  test('limits, and the default one of processes', () => {
    const resources = { memoryBytes: 64 << 20, cpus: 0.5, cpuShares: 10, cpusetCpus: '0', memoryReservationBytes: 1 << 20 };
    expect(build({ version: 'v2', spec: { resources } }).linux.resources).toMatchObject({
      ...{ memory: { limit: 67108864, reservation: 1048576, swap: 134217728 }, pids: { limit: 2048 } },
      cpu: { shares: 10, quota: 50000, period: 100000, cpus: '0' },
    });
    expect(build({ controllers: [] }).linux.resources?.pids).toBeUndefined();
    expect(build({ spec: { resources: { pidsLimit: -1 } } }).linux.resources?.pids).toBeUndefined();
  });

  test.each([
    ['--memory', { memoryBytes: 1 << 30 }],
    ['--memory-reservation', { memoryReservationBytes: 1 << 30 }],
    ['--memory-swap', { memorySwapBytes: -1 }],
    ['--cpus', { cpus: 1 }],
    ['--cpu-shares', { cpuShares: 5 }],
    ['--cpu-quota', { cpuQuotaUs: 5000 }],
    ['--cpu-period', { cpuPeriodUs: 5000 }],
    ['--cpuset-cpus', { cpusetCpus: '0' }],
    ['--cpuset-mems', { cpusetMems: '0' }],
    ['--pids-limit', { pidsLimit: 5 }],
    ['--blkio-weight', { blkioWeight: 500 }],
    ['--oom-kill-disable', { oomKillDisable: true }],
  ])('%s that cannot be enforced is refused by name', (option, resources) => {
    for (const host of [{ rootless: true }, { rootless: true, version: 'v2' as const, controllers: [] }, { controllers: [] }])
      expect(() => check({ ...host, spec: { resources } })).toThrow(`${option} cannot be enforced: `);
  });

  test.each([
    [{ cpus: 0.001 }, 'CPU cfs quota cannot be less than 1ms'],
    [{ cpus: 1, cpuQuotaUs: 5000 }, 'cannot be set together'],
    [{ cpusetCpus: '0-99' }, 'requested CPUs are not available - requested 0-99'],
    [{ cpusetCpus: 'x' }, 'invalid value x'],
    [{ memorySwapBytes: 5 }, 'you should always set the memory limit'],
    [{ memoryBytes: 10, memorySwapBytes: 5 }, 'minimum memoryswap limit'],
    [{ blkioWeight: 5 }, 'range of blkio weight'],
  ])('%j is refused', (resources, words) => {
    expect(() => check({ version: 'v2', spec: { resources } })).toThrow(words);
  });

  test('lists of CPUs', () => {
    expect([...(parseCpuList('0-2, 5') ?? [])]).toEqual([0, 1, 2, 5]);
    for (const wrong of ['', '1-', '3-1', '1,,2', 'a', '0-99999']) expect(parseCpuList(wrong)).toBeUndefined();
  });
});

describe('devices', () => {
  test.each([
    ['/dev/null', { source: '/dev/null', target: '/dev/null', access: 'rwm' }],
    ['/dev/null:r', { source: '/dev/null', target: '/dev/null', access: 'r' }],
    ['/dev/null:/dev/x', { source: '/dev/null', target: '/dev/x', access: 'rwm' }],
    ['/dev/null:/dev/../y:rw', { source: '/dev/null', target: '/y', access: 'rw' }],
  ])('%s', (word, expected) => expect(parseDevice(word)).toEqual(expected));

  test.each([
    ['/nope', 'stat /nope: no such file or directory'],
    ['/etc/passwd', '/etc/passwd is not a valid device: not a device node'],
    ['/dev/null:x', 'invalid device mode: x'],
    ['/dev/null:rr', 'invalid device mode: rr'],
    ['null', 'the path on the host has to be absolute'],
    ['/dev/null:x:rw', 'the path in the container has to be absolute'],
    ['/a:/b:r:w', 'too many colons'],
  ])('%s is refused', (word, words) => expect(() => check({ spec: { devices: [word] } })).toThrow(words));

  test('nodes and rules as root, binds as a user', () => {
    const root = build({ spec: { devices: ['/dev/null:/dev/x:r'] } });
    expect(root.linux.devices).toEqual([{ path: '/dev/x', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 }]);
    expect(root.linux.resources?.devices).toEqual([
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
    ]);
    const user = build({ rootless: true, spec: { devices: ['/dev/null:/dev/x:r'] } });
    expect(user.linux.devices).toBeUndefined();
    expect(user.linux.resources?.devices).toBeUndefined();
    expect(mountAt(user, '/dev/x')).toMatchObject({ source: '/dev/null', type: 'bind' });
    expect(build({ spec: { privileged: true } }).linux.resources?.devices).toEqual([{ allow: true, access: 'rwm' }]);
  });

  test('device numbers', () => {
    expect(deviceNumbers(0x0103)).toEqual({ major: 1, minor: 3 });
    // 259:65537, as Linux numbers the partitions of many NVMe disks.
    expect(deviceNumbers(0x10010301)).toEqual({ major: 259, minor: 65537 });
  });
});
