/** A container in the shape of `podman inspect`. Keys and their order are Podman's; what Selkie has not is what Podman shows for "not set". */
import type { ContainerDetail } from '../../../contract/container.ts';
import { humanSize } from './human.ts';
import { publishedPorts } from './ports.ts';
import { goMap, GoFloat, GoTime, nilMap, nilSlice, struct, type GoStruct } from './template/template.ts';

export function containerInspect(detail: ContainerDetail): GoStruct {
  const { process, config } = detail;
  return struct('interface {}', {
    Id: detail.id,
    Created: new GoTime(detail.createdAt),
    Path: process.path,
    Args: process.arguments,
    State: state(detail),
    Image: detail.imageId,
    ImageDigest: '',
    ImageName: detail.imageName,
    Rootfs: '',
    Pod: '',
    ResolvConfPath: process.resolvConfPath,
    HostnamePath: process.hostnamePath,
    HostsPath: process.hostsPath,
    StaticDir: process.staticDirectory,
    OCIConfigPath: process.ociConfigPath,
    OCIRuntime: process.ociRuntime,
    ConmonPidFile: process.conmonPidFile,
    PidFile: process.pidFile,
    Name: detail.name,
    RestartCount: detail.restartCount,
    Driver: detail.graphDriver.name,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: securityValue(detail, 'apparmor='),
    EffectiveCaps: detail.host.effectiveCaps,
    BoundingCaps: detail.host.boundingCaps,
    ExecIDs: detail.execIds,
    GraphDriver: struct('*define.DriverData', { Name: detail.graphDriver.name, Data: goMap(detail.graphDriver.data) }),
    ...(detail.size ? { SizeRw: detail.size.writableBytes, SizeRootFs: detail.size.virtualBytes } : {}),
    Mounts: detail.mountPoints.filter((point) => point.type !== 'tmpfs').map(mount),
    Dependencies: [],
    NetworkSettings: networkSettings(detail),
    Namespace: '',
    IsInfra: false,
    IsService: false,
    Config: struct('*define.InspectContainerConfig', {
      Hostname: config.hostname,
      Domainname: '',
      User: config.user,
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: config.tty,
      OpenStdin: config.interactive,
      StdinOnce: false,
      Env: config.environment,
      Cmd: config.command,
      Image: detail.imageName,
      Volumes: nilMap,
      WorkingDir: config.workingDirectory,
      Entrypoint: config.entrypoint.join(' '),
      OnBuild: nilSlice,
      Labels: Object.keys(detail.labels).length > 0 ? goMap(detail.labels) : nilMap,
      Annotations: Object.keys(config.annotations).length > 0 ? goMap(config.annotations) : nilMap,
      StopSignal: signalNumber(config.stopSignal),
      HealthcheckOnFailureAction: 'none',
      CreateCommand: config.createCommand,
      Umask: config.umask,
      Timeout: 0,
      StopTimeout: config.stopTimeoutSeconds,
      Passwd: true,
      sdNotifyMode: 'ignore',
      ...(config.exposedPorts.length > 0 ? { ExposedPorts: goMap(Object.fromEntries(config.exposedPorts.map((port) => [port, {}]))) } : {}),
    }),
    HostConfig: hostConfig(detail),
  });
}

function state(detail: ContainerDetail): GoStruct {
  return struct('*define.InspectContainerState', {
    OciVersion: '1.0.2',
    Status: detail.state,
    Running: detail.state === 'running' || detail.state === 'stopping',
    Paused: detail.state === 'paused',
    Restarting: false,
    OOMKilled: detail.process.oomKilled,
    Dead: false,
    Pid: detail.pid,
    ConmonPid: detail.process.conmonPid,
    ExitCode: detail.exitCode ?? 0,
    Error: detail.error,
    StartedAt: new GoTime(detail.startedAt),
    FinishedAt: new GoTime(detail.finishedAt),
    Health: struct('define.HealthCheckResults', { Status: '', FailingStreak: 0, Log: nilSlice }),
    CgroupPath: detail.host.cgroupPath,
    CheckpointedAt: new GoTime(undefined),
    RestoredAt: new GoTime(undefined),
  });
}

const propagations = ['shared', 'slave', 'private', 'unbindable', 'rshared', 'rslave', 'rprivate', 'runbindable'];

function mount(point: ContainerDetail['mountPoints'][number]): GoStruct {
  const propagation = point.options.find((option) => propagations.includes(option));
  return struct('define.InspectMount', {
    Type: point.type,
    ...(point.type === 'volume' ? { Name: point.volumeName } : {}),
    Source: point.hostPath,
    Destination: point.target,
    Driver: point.type === 'volume' ? 'local' : '',
    Mode: point.options.filter((option) => option === 'z' || option === 'Z').join(','),
    Options: point.options.filter((option) => !propagations.includes(option) && option !== 'ro' && option !== 'rw'),
    RW: !point.readOnly,
    Propagation: propagation ?? 'rprivate',
  });
}

type Address = ContainerDetail['networkSettings']['networks'][number];

function addressFields(network: Address | undefined): GoStruct {
  return {
    EndpointID: '',
    Gateway: network?.gateway ?? '',
    IPAddress: network?.ipAddress ?? '',
    IPPrefixLen: network?.prefixLength ?? 0,
    IPv6Gateway: network?.ipv6Gateway ?? '',
    GlobalIPv6Address: network?.ipv6Address ?? '',
    GlobalIPv6PrefixLen: network?.ipv6PrefixLength ?? 0,
    MacAddress: network?.macAddress ?? '',
  };
}

function networkSettings(detail: ContainerDetail): GoStruct {
  const { networks, sandboxPath } = detail.networkSettings;
  return struct('*define.InspectNetworkSettings', {
    ...addressFields(networks[0]),
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: portMap(detail),
    SandboxKey: sandboxPath,
    Networks: goMap(
      Object.fromEntries(
        networks.map((network) => [
          network.name,
          struct('*define.InspectAdditionalNetwork', {
            ...addressFields(network),
            NetworkID: network.name,
            DriverOpts: nilMap,
            IPAMConfig: nilMap,
            Links: nilSlice,
            Aliases: [detail.id.slice(0, 12)],
          }),
        ]),
      ),
    ),
  });
}

function portMap(detail: ContainerDetail): ReadonlyMap<string, unknown> {
  const result = new Map<string, unknown>(detail.config.exposedPorts.map((port) => [port.includes('/') ? port : `${port}/tcp`, nilSlice]));
  for (const port of publishedPorts(detail.ports)) {
    const before = result.get(port.container);
    const binding = struct('define.InspectHostPort', { HostIp: port.hostIp, HostPort: String(port.hostPort) });
    result.set(port.container, Array.isArray(before) ? [...(before as unknown[]), binding] : [binding]);
  }
  return new Map([...result].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hostConfig(detail: ContainerDetail): GoStruct {
  const { host } = detail;
  const limits = host.resources;
  return struct('*define.InspectContainerHostConfig', {
    Binds: detail.mountPoints.filter((point) => point.type !== 'tmpfs').map(bind),
    CgroupManager: host.cgroupManager,
    CgroupMode: host.cgroupMode,
    ContainerIDFile: '',
    LogConfig: struct('*define.InspectLogConfig', {
      Type: host.logDriver,
      Config: nilMap,
      Path: host.logPath,
      Tag: '',
      Size: humanSize(host.logMaxSizeBytes),
    }),
    NetworkMode: detail.networkMode,
    PortBindings: new Map([...portMap(detail)].filter(([, value]) => value !== nilSlice)),
    RestartPolicy: struct('*define.InspectRestartPolicy', {
      Name: host.restartPolicy.name === 'no' ? '' : host.restartPolicy.name,
      MaximumRetryCount: host.restartPolicy.maximumRetries,
    }),
    AutoRemove: detail.removeOnExit,
    VolumeDriver: '',
    VolumesFrom: nilSlice,
    CapAdd: host.capAdd,
    CapDrop: host.capDrop,
    Dns: host.dnsServers,
    DnsOptions: host.dnsOptions,
    DnsSearch: host.dnsSearch,
    ExtraHosts: host.addHosts,
    GroupAdd: host.groupAdd,
    IpcMode: host.ipcMode,
    Cgroup: '',
    Cgroups: 'default',
    Links: nilSlice,
    OomScoreAdj: limits.oomScoreAdj ?? 0,
    PidMode: host.pidMode,
    Privileged: host.privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: host.readOnlyRootfs,
    SecurityOpt: host.securityOptions,
    Tmpfs: goMap(
      Object.fromEntries(
        detail.mountPoints.filter((point) => point.type === 'tmpfs').map((point) => [point.target, point.options.join(',')]),
      ),
    ),
    UTSMode: host.utsMode,
    UsernsMode: host.usernsMode,
    ...(host.usernsMode === '' ? {} : { IDMappings: struct('*define.InspectIDMappings', { UidMap: host.uidMap, GidMap: host.gidMap }) }),
    ShmSize: host.shmSizeBytes,
    Runtime: 'oci',
    ConsoleSize: [0, 0],
    Isolation: '',
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memoryBytes ?? 0,
    NanoCpus: Math.round((limits.cpus ?? 0) * 1e9),
    CgroupParent: '',
    BlkioWeight: limits.blkioWeight ?? 0,
    BlkioWeightDevice: nilSlice,
    BlkioDeviceReadBps: nilSlice,
    BlkioDeviceWriteBps: nilSlice,
    BlkioDeviceReadIOps: nilSlice,
    BlkioDeviceWriteIOps: nilSlice,
    CpuPeriod: limits.cpuPeriodUs ?? 0,
    CpuQuota: limits.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: host.devices.map(device),
    DiskQuota: 0,
    KernelMemory: 0,
    MemoryReservation: limits.memoryReservationBytes ?? 0,
    MemorySwap: limits.memorySwapBytes ?? 0,
    MemorySwappiness: -1,
    OomKillDisable: limits.oomKillDisable ?? false,
    Init: host.init,
    PidsLimit: host.pidsLimit,
    Ulimits: host.ulimits.map((limit) =>
      struct('define.InspectUlimit', { Name: `RLIMIT_${limit.name.toUpperCase()}`, Soft: limit.soft, Hard: limit.hard }),
    ),
    CpuCount: 0,
    CpuPercent: new GoFloat(0),
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    CgroupConf: nilMap,
  });
}

function bind(point: ContainerDetail['mountPoints'][number]): string {
  const source = point.type === 'volume' ? point.volumeName : point.hostPath;
  return `${source}:${point.target}:${[point.readOnly ? 'ro' : 'rw', ...point.options.filter((option) => option !== 'ro' && option !== 'rw')].join(',')}`;
}

function device(text: string): GoStruct {
  const [onHost = '', inContainer = onHost, permissions = 'rwm'] = text.split(':');
  return struct('define.InspectDevice', { PathOnHost: onHost, PathInContainer: inContainer, CgroupPermissions: permissions });
}

function securityValue(detail: ContainerDetail, prefix: string): string {
  return detail.host.securityOptions.find((option) => option.startsWith(prefix))?.slice(prefix.length) ?? '';
}

const signals: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  STOP: 19,
  WINCH: 28,
  PWR: 30,
};

/** Podman shows a number; a name that is not in the table stays a name. */
function signalNumber(name: string): number | string {
  if (/^\d+$/.test(name)) return Number(name);
  const realtime = /^(?:SIG)?RTMIN(?:\+(\d+))?$/i.exec(name);
  if (realtime) return 34 + Number(realtime[1] ?? 0);
  return signals[name.replace(/^SIG/i, '').toUpperCase()] ?? name;
}
