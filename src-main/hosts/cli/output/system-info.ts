/** What `info` says, in Podman's shape; keys for JSON and YAML are the same with a small first letter. */
import type { SystemInfo } from '../../../contract/system.ts';
import { goMap, nilSlice, struct, type GoStruct } from './template/template.ts';

type Tool = SystemInfo['host']['conmon'];
type IdMap = SystemInfo['host']['uidMap'];

function tool(typeName: string, found: Tool & { readonly name?: string }): GoStruct {
  return struct(typeName, {
    ...(found.name === undefined ? {} : { Name: found.name }),
    Package: '',
    Path: found.path,
    Version: found.version,
  });
}

function idMap(map: IdMap): unknown {
  return map.length === 0
    ? nilSlice
    : map.map((range) => struct('idtools.IDMap', { ContainerID: range.containerId, HostID: range.hostId, Size: range.size }));
}

/** `2h 5m 3.00s` */
export function uptimeText(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const days = hours >= 24 ? ` (Approximately ${(hours / 24).toFixed(2)} days)` : '';
  return `${hours}h ${Math.floor((seconds % 3600) / 60)}m ${(seconds % 60).toFixed(2)}s${days}`;
}

export function systemInfo(info: SystemInfo): GoStruct {
  const { host, store } = info;
  const { 'Mount Program': mountProgram, ...graphStatus } = store.driverStatus;
  return struct('*define.Info', {
    Host: struct('*define.HostInfo', {
      Arch: host.architecture,
      CgroupControllers: host.cgroupControllers,
      CgroupManager: host.cgroupManager,
      CgroupVersion: host.cgroupVersion,
      Conmon: tool('*define.ConmonInfo', host.conmon),
      CPUs: host.cpus,
      Distribution: struct('define.DistributionInfo', { Distribution: host.distribution.id, Version: host.distribution.version }),
      EventLogger: 'store',
      Hostname: host.hostname,
      IDMappings: struct('define.IDMappings', { GIDMap: idMap(host.gidMap), UIDMap: idMap(host.uidMap) }),
      Kernel: host.kernel,
      LogDriver: host.logDriver,
      MemFree: host.memoryFreeBytes,
      MemTotal: host.memoryTotalBytes,
      NetworkBackend: host.networkBackend.name,
      NetworkBackendInfo: struct('define.NetworkInfo', {
        Backend: host.networkBackend.name,
        Path: host.networkBackend.path,
        Version: host.networkBackend.version,
      }),
      OCIRuntime: tool('*define.OCIRuntimeInfo', host.ociRuntime),
      OS: host.os,
      RootlessNetworkCmd: host.rootlessNetwork.name,
      RootlessNetwork: tool('define.RootlessNetworkInfo', host.rootlessNetwork),
      Security: struct('define.SecurityInfo', {
        AppArmorEnabled: host.apparmorEnabled,
        Rootless: info.rootless,
        SECCOMPEnabled: host.seccompEnabled,
        SECCOMPProfilePath: host.seccompProfilePath,
        SELinuxEnabled: host.selinuxEnabled,
      }),
      ServiceIsRemote: false,
      SwapFree: host.swapFreeBytes,
      SwapTotal: host.swapTotalBytes,
      Uptime: uptimeText(host.uptimeSeconds),
      Linkmode: 'dynamic',
    }),
    Store: struct('*define.StoreInfo', {
      ConfigFile: store.configFile,
      ContainerStore: struct('define.ContainerStore', {
        Number: store.containers.total,
        Paused: store.containers.paused,
        Running: store.containers.running,
        Stopped: store.containers.stopped,
      }),
      GraphDriverName: store.driver,
      GraphDriverReason: store.driverReason,
      GraphOptions: goMap(mountProgram === undefined ? {} : { 'overlay.mount_program': goMap({ Executable: mountProgram }) }),
      GraphRoot: store.graphRoot,
      GraphRootAllocated: store.graphRootBytes,
      GraphRootUsed: Math.max(0, store.graphRootBytes - store.graphRootFreeBytes),
      GraphStatus: goMap(graphStatus),
      ImageStore: struct('define.ImageStore', { Number: store.images }),
      RunRoot: store.runRoot,
      VolumePath: store.volumePath,
    }),
    Registries: goMap({ search: info.registries.search, files: info.registries.files }),
    Plugins: struct('define.Plugins', { Volume: ['local'], Network: ['bridge'], Log: ['k8s-file', 'none'] }),
    Version: struct('define.Version', {
      APIVersion: info.version,
      Version: info.version,
      OsArch: `${host.os}/${host.architecture}`,
      Os: host.os,
    }),
  });
}

/** Podman's JSON names of fields that are more than a small first letter. */
const jsonNames: Readonly<Record<string, string>> = {
  CPUs: 'cpus',
  IDMappings: 'idMappings',
  GIDMap: 'gidmap',
  UIDMap: 'uidmap',
  ContainerID: 'container_id',
  HostID: 'host_id',
  OCIRuntime: 'ociRuntime',
  OS: 'os',
  AppArmorEnabled: 'apparmorEnabled',
  SECCOMPEnabled: 'seccompEnabled',
  SECCOMPProfilePath: 'seccompProfilePath',
  SELinuxEnabled: 'selinuxEnabled',
};

/** Keys of structs get their JSON names; keys of maps and of the version stay. */
export function infoJson(value: unknown, parent = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => infoJson(item));
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [key, infoJson(item)]));
  if (typeof value !== 'object' || value === null) return value;
  const rename = (key: string): string => (parent === 'Version' ? key : (jsonNames[key] ?? key.charAt(0).toLowerCase() + key.slice(1)));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), infoJson(item, key)]));
}
