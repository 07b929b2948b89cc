import { existsSync, readFileSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import type { ResourceLimits } from '../../contract/container-spec.ts';
import type { System } from '../../system/system.ts';
import { type CgroupManager, controllerAvailable, requireController } from './cgroup.ts';
import type { OciResources } from './oci-spec.ts';

export interface ResourceContext {
  readonly manager: CgroupManager;
  readonly system: Pick<System, 'cgroups' | 'identity'>;
  /** Podman's default where the container names none; 0: none. */
  readonly defaultPidsLimit: number;
}

type Limits<Key extends keyof OciResources> = Pick<OciResources, Key>;

const periodUs = 100_000;
const minQuotaUs = 1000;

/** Everything but devices. Refuses by name (`unsupported`) a limit that this host cannot enforce. */
export function resourcesFor(limits: ResourceLimits, context: ResourceContext): OciResources {
  return { ...memory(limits, context), ...cpu(limits, context), ...pids(limits, context), ...blockIo(limits, context) };
}

function memory(limits: ResourceLimits, context: ResourceContext): Limits<'memory'> {
  const { memoryBytes: limit, memoryReservationBytes: reservation, oomKillDisable } = limits;
  const need = (option: string): void => requireController(option, 'memory', context.manager, context.system);
  if (limit !== undefined && limit > 0) need('--memory');
  if (reservation !== undefined && reservation > 0) need('--memory-reservation');
  if (limits.memorySwapBytes !== undefined && limits.memorySwapBytes !== 0) need('--memory-swap');
  if (oomKillDisable === true) {
    need('--oom-kill-disable');
    if (context.system.cgroups.version === 'v2')
      throw new EngineError('unsupported', '--oom-kill-disable cannot be enforced: cgroup v2 has no such switch', { fix: 'Leave it out.' });
  }
  const swap = swapFor(limits, context);
  const parts = {
    ...(limit !== undefined && limit > 0 ? { limit } : {}),
    ...(reservation !== undefined && reservation > 0 ? { reservation } : {}),
    ...(swap === undefined ? {} : { swap }),
    ...(oomKillDisable === true ? { disableOOMKiller: true } : {}),
  };
  return Object.keys(parts).length > 0 ? { memory: parts } : {};
}

/** Podman's rule: without a word of it, as much swap as memory. */
function swapFor(limits: ResourceLimits, context: ResourceContext): number | undefined {
  const { memoryBytes = 0, memorySwapBytes } = limits;
  if (memorySwapBytes !== undefined && memorySwapBytes !== 0) {
    if (memorySwapBytes > 0 && memoryBytes === 0)
      throw new EngineError('invalid-argument', 'you should always set the memory limit when using a memoryswap limit', {
        fix: 'Add --memory.',
        details: { field: 'resources.memoryBytes' },
      });
    if (memorySwapBytes > 0 && memorySwapBytes < memoryBytes)
      throw new EngineError('invalid-argument', 'minimum memoryswap limit should be larger than memory limit', {
        fix: '--memory-swap is memory plus swap: give at least as much as --memory.',
        details: { field: 'resources.memorySwapBytes' },
      });
    if (!swapAccounted(context))
      throw new EngineError('unsupported', '--memory-swap cannot be enforced: this kernel does not count swap', {
        fix: 'Boot with swapaccount=1, or leave it out.',
      });
    return memorySwapBytes;
  }
  return memoryBytes > 0 && swapAccounted(context) ? memoryBytes * 2 : undefined;
}

function swapAccounted({ system }: ResourceContext): boolean {
  return system.cgroups.version === 'v2' || existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes');
}

function cpu(limits: ResourceLimits, context: ResourceContext): Limits<'cpu'> {
  const { cpus = 0, cpuShares = 0, cpuPeriodUs = 0, cpuQuotaUs = 0, cpusetCpus = '', cpusetMems = '' } = limits;
  const need = (option: string, controller = 'cpu'): void => requireController(option, controller, context.manager, context.system);
  if (cpus > 0) need('--cpus');
  if (cpuShares > 0) need('--cpu-shares');
  if (cpuPeriodUs > 0) need('--cpu-period');
  if (cpuQuotaUs > 0) need('--cpu-quota');
  if (cpusetCpus !== '') checkCpuset('--cpuset-cpus', cpusetCpus, '/sys/devices/system/cpu/online', 'CPUs', need);
  if (cpusetMems !== '') checkCpuset('--cpuset-mems', cpusetMems, '/sys/devices/system/node/online', 'memory nodes', need);
  if (cpus > 0 && (cpuPeriodUs > 0 || cpuQuotaUs !== 0))
    throw new EngineError('invalid-argument', '--cpu-period and --cpu-quota cannot be set together with --cpus', {
      fix: 'Leave one of them out.',
    });
  const quota = cpus > 0 ? Math.round(cpus * periodUs) : cpuQuotaUs;
  const period = cpus > 0 ? periodUs : cpuPeriodUs;
  if (quota > 0 && quota < minQuotaUs)
    throw new EngineError('invalid-argument', 'CPU cfs quota cannot be less than 1ms (i.e. 1000)', { fix: 'Give at least --cpus 0.01.' });
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    throw new EngineError('invalid-argument', 'CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  const parts = {
    ...(cpuShares > 0 ? { shares: cpuShares } : {}),
    ...(quota === 0 ? {} : { quota }),
    ...(period === 0 ? {} : { period }),
    ...(cpusetCpus === '' ? {} : { cpus: cpusetCpus }),
    ...(cpusetMems === '' ? {} : { mems: cpusetMems }),
  };
  return Object.keys(parts).length > 0 ? { cpu: parts } : {};
}

function checkCpuset(
  option: string,
  list: string,
  onlineFile: string,
  what: string,
  need: (option: string, controller: string) => void,
): void {
  const wanted = parseCpuList(list);
  if (!wanted)
    throw new EngineError('invalid-argument', `invalid value ${list} for ${option.replace(/^--/, '').replace('-', ' ')}`, {
      fix: 'Use a list such as 0-2,4.',
    });
  need(option, 'cpuset');
  const online = existsSync(onlineFile) ? readFileSync(onlineFile, 'utf8').trim() : '0';
  const available = parseCpuList(online) ?? new Set([0]);
  if ([...wanted].some((number) => !available.has(number)))
    throw new EngineError('invalid-argument', `requested ${what} are not available - requested ${list}, available: ${online}`, {
      fix: `Choose from ${online}.`,
    });
}

/** 0-2,4 → {0,1,2,4}; undefined when it is no such list. */
export function parseCpuList(list: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of list.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (!match) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from) return undefined;
    for (let number = from; number <= to; number++) numbers.add(number);
  }
  return numbers;
}

function pids(limits: ResourceLimits, context: ResourceContext): Limits<'pids'> {
  const { pidsLimit } = limits;
  const asked = pidsLimit !== undefined;
  const limit = pidsLimit ?? context.defaultPidsLimit;
  // 0 and -1: none, in Podman's words.
  if (limit <= 0) return {};
  // Nobody asked for it: no reason to say something at every run. The host check tells which controllers there are.
  if (!asked && !controllerAvailable('pids', context.manager, context.system)) return {};
  requireController('--pids-limit', 'pids', context.manager, context.system);
  return { pids: { limit } };
}

function blockIo(limits: ResourceLimits, context: ResourceContext): Limits<'blockIO'> {
  const weight = limits.blkioWeight ?? 0;
  if (weight === 0) return {};
  if (weight < 10 || weight > 1000)
    throw new EngineError('invalid-argument', 'range of blkio weight is from 10 to 1000', { fix: 'Give a number from 10 to 1000.' });
  requireController('--blkio-weight', 'blkio', context.manager, context.system);
  const files = ['blkio.weight', 'blkio.bfq.weight'].map((name) => `/sys/fs/cgroup/blkio/${name}`);
  if (context.system.cgroups.version !== 'v2' && !files.some((file) => existsSync(file)))
    throw new EngineError('unsupported', '--blkio-weight cannot be enforced: this kernel has no I/O scheduler with weights', {
      fix: 'Leave it out, or load the bfq scheduler.',
    });
  return { blockIO: { weight } };
}
