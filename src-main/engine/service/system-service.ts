import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, freemem, hostname, platform, release, totalmem, uptime } from 'node:os';
import { build } from '../../base/version.ts';
import type { ImportItem } from '../../contract/adopt.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { StoreProblem, SystemInfo } from '../../contract/system.ts';
import type { RepairSearch } from '../upkeep/upkeep.ts';
import { diskUsage } from './disk-usage.ts';
import { withProgress } from './progress.ts';
import { removing, type Rooms } from './rooms.ts';

export function systemHandlers(rooms: Rooms): EngineHandlers['system'] {
  return {
    info: () => systemInfo(rooms),
    version: () => ({
      version: build.version,
      contract: '1',
      runtime: `Node ${process.versions.node}`,
      builtAt: build.builtAt,
      gitCommit: build.gitCommit,
      osArch: `${platform()}/${goArchitecture()}`,
    }),
    check: async ({ contents }, { signal }) => ({
      host: [...(await (await import('../host/host.ts')).checkHost(rooms.system, rooms.config))],
      store: await storeProblems(rooms, { contents, signal }),
    }),
    diskUsage: () => diskUsage(rooms),
    planRepair: ({ contents }, { signal }) => rooms.upkeep.planRepair({ contents, signal }),
    repair: ({ actions }) => rooms.upkeep.repair(actions),
    reset: () => rooms.upkeep.reset(),
    planPrune: async (request) => (await import('../trash/trash.ts')).planPrune(rooms, request),
    async prune(order, { signal }) {
      const { pruneByPlan } = await import('../trash/trash.ts');
      return removing(rooms, order.trash, (trash) => pruneByPlan(rooms, { ...order, trash }, signal));
    },
    planImport: async (request, { signal }) => (await import('../adopt/adopt.ts')).planImport(rooms, request, signal),
    async *import(order, { signal }) {
      const { importFrom } = await import('../adopt/adopt.ts');
      for await (const item of withProgress<ImportItem, undefined>(async (onItem) => {
        const onProgress = (progress: TransferProgress): void => {
          onItem({ kind: 'progress', progress });
        };
        await importFrom(rooms, order, { signal, onProgress, onDone: onItem });
        return undefined;
      }))
        if (item.kind === 'progress') yield item.progress;
    },
  };
}

async function storeProblems({ upkeep }: Rooms, search: RepairSearch): Promise<StoreProblem[]> {
  const { actions, manual } = await upkeep.planRepair(search);
  return [...actions, ...manual].map(({ kind, object, message }) => ({ kind, object, message }));
}

async function systemInfo(rooms: Rooms): Promise<SystemInfo> {
  const registries = rooms.images.searchRegistries();
  const { config, state, snapshots, network, runtime, monitor, system } = rooms;
  const containers = state.containers.list();
  const count = (...states: string[]) => containers.filter((record) => states.includes(record.state)).length;
  const memory = memoryInfo();
  const [ociRuntime, conmon, networkBackend, rootlessNetwork] = await Promise.all([
    runtime.describe(),
    monitor.describe(),
    network.describe(),
    network.describeRootless(),
  ]);
  const { driverReason = '', ...driverStatus } = snapshots.status();
  return {
    version: build.version,
    rootless: system.identity.rootless,
    host: {
      hostname: hostname(),
      kernel: release(),
      os: platform(),
      architecture: goArchitecture(),
      distribution: distribution(),
      cpus: cpus().length,
      memoryTotalBytes: totalmem(),
      memoryFreeBytes: freemem(),
      swapTotalBytes: memory('SwapTotal'),
      swapFreeBytes: memory('SwapFree'),
      uptimeSeconds: Math.floor(uptime()),
      cgroupVersion: system.cgroups.version,
      cgroupManager: runtime.cgroupManager,
      cgroupControllers: [...system.cgroups.availableControllers()],
      uidMap: system.identity.uidMap.map((range) => ({ ...range })),
      gidMap: system.identity.gidMap.map((range) => ({ ...range })),
      seccompEnabled: existsSync(config.defaults.seccompProfile),
      seccompProfilePath: config.defaults.seccompProfile,
      apparmorEnabled: existsSync('/sys/kernel/security/apparmor/profiles'),
      selinuxEnabled: existsSync('/sys/fs/selinux/enforce'),
      ociRuntime,
      conmon,
      networkBackend,
      rootlessNetwork,
      logDriver: 'k8s-file',
    },
    store: {
      driver: snapshots.driver,
      driverReason,
      driverStatus,
      graphRoot: config.graphRoot,
      runRoot: config.runRoot,
      volumePath: `${config.graphRoot}/volumes`,
      configFile: config.sources[0]?.split(':')[0] ?? '',
      containers: {
        total: containers.length,
        running: count('running', 'stopping'),
        paused: count('paused'),
        stopped: count('exited', 'created', 'initialized'),
      },
      images: rooms.images.list().length,
      graphRootBytes: rooms.system.files.totalBytes(config.graphRoot),
      graphRootFreeBytes: rooms.system.files.freeBytes(config.graphRoot),
    },
    registries: { search: [...registries.search], files: [...registries.files] },
  };
}

/** Go's names of architectures, which images use. */
function goArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };
  return names[arch()] ?? arch();
}

function distribution(): { id: string; version: string } {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return { id: 'unknown', version: '' };
  }
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID') };
}

function memoryInfo(): (name: string) => number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}
