/** The limits of run and create. Whether the host can enforce them is the engine's to say. */
import { EngineError } from '../../../base/errors.ts';
import type { ContainerSpec, ResourceLimits } from '../../../contract/container-spec.ts';
import type { FlagValues } from './flags.ts';
import type { containerFlags } from './container-flags.ts';
import { parseSize } from './values.ts';

type Flags = FlagValues<typeof containerFlags>;

export function parseResources(flags: Flags): ResourceLimits {
  refuseConflicts(flags);
  const oomScoreAdj = flags['oom-score-adj'];
  if (oomScoreAdj !== undefined && (oomScoreAdj < -1000 || oomScoreAdj > 1000))
    throw new EngineError('invalid-argument', `--oom-score-adj ${oomScoreAdj}: it goes from -1000 to 1000`);
  return {
    memoryBytes: size(flags.memory, 'memory'),
    memoryReservationBytes: size(flags['memory-reservation'], 'memory-reservation'),
    memorySwapBytes: flags['memory-swap'] === '-1' ? -1 : size(flags['memory-swap'], 'memory-swap'),
    cpus: positive(flags.cpus, 'cpus'),
    cpuShares: flags['cpu-shares'],
    cpuPeriodUs: flags['cpu-period'],
    cpuQuotaUs: flags['cpu-quota'],
    cpusetCpus: flags['cpuset-cpus'],
    cpusetMems: flags['cpuset-mems'],
    pidsLimit: flags['pids-limit'],
    oomKillDisable: flags['oom-kill-disable'],
    oomScoreAdj,
    blkioWeight: blkioWeight(flags['blkio-weight']),
  };
}

function refuseConflicts(flags: Flags): void {
  if (flags.cpus !== undefined && flags.cpus > 0) {
    for (const other of ['cpu-period', 'cpu-quota'] as const)
      if ((flags[other] ?? 0) !== 0) throw new EngineError('invalid-argument', `--cpus and --${other} cannot be set together`);
  }
  if (flags['memory-swap'] !== undefined && flags['memory-swap'] !== '-1') {
    if (flags.memory === undefined)
      throw new EngineError('invalid-argument', 'when --memory-swap is set, --memory has to be set too', {
        fix: '--memory-swap is the sum of memory and swap',
      });
    if (parseSize(flags['memory-swap'], 'memory-swap') < parseSize(flags.memory, 'memory'))
      throw new EngineError('invalid-argument', `--memory-swap ${flags['memory-swap']} is less than --memory ${flags.memory}`, {
        fix: '--memory-swap is the sum of memory and swap',
      });
  }
}

function size(text: string | undefined, what: string): number | undefined {
  return text === undefined ? undefined : parseSize(text, what);
}

function positive(value: number | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined;
  if (value < 0) throw new EngineError('invalid-argument', `--${flag} ${value}: it cannot be negative`);
  return value;
}

function blkioWeight(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const weight = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(weight >= 10 && weight <= 1000))
    throw new EngineError('invalid-argument', `invalid --blkio-weight "${text}": it goes from 10 to 1000`);
  return weight;
}

/** `nofile=1024[:2048]`, -1 is no limit. */
export function parseUlimit(text: string): ContainerSpec['ulimits'][number] {
  const match = /^([a-zA-Z_]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) {
    throw new EngineError('invalid-argument', `invalid ulimit argument: ${text}`, {
      fix: 'write name=soft[:hard], such as nofile=1024:2048',
    });
  }
  const name = (match[1] ?? '').toLowerCase().replace(/^rlimit_/, '');
  const soft = Number(match[2]);
  const hard = match[3] === undefined ? soft : Number(match[3]);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw new EngineError('invalid-argument', `invalid ulimit argument: ${text}: the soft limit is above the hard one`);
  return { name, soft, hard };
}
