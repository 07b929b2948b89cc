import { EngineError } from '../../base/errors.ts';
import type { ContainerSpec } from '../../contract/container-spec.ts';
import type { Processes, System } from '../../system/system.ts';
import type { OciRlimit, RawJson } from './oci-spec.ts';

type Ulimit = ContainerSpec['ulimits'][number];

const names: ReadonlySet<string> = new Set([
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

/** Podman's own values where nobody says anything: as many files and processes as the host lets us. */
const unasked: readonly Ulimit[] = ['nofile', 'nproc'].map((name) => ({ name, soft: 1048576, hard: 1048576 }));

/** RLIM_INFINITY is 2^64-1, which no JavaScript number is: JSON.stringify writes this one digit by digit. */
const unlimited = JSON.rawJSON('18446744073709551615');

const ceilings = new WeakMap<object, Map<string, number>>();

/** Hard limits of ours: they never rise, so each is read once. */
function ceilingOf(name: string, processes: Pick<Processes, 'resourceLimit'>): number {
  const known = ceilings.get(processes) ?? new Map<string, number>();
  ceilings.set(processes, known);
  const ceiling = known.get(name) ?? processes.resourceLimit(name)?.hard ?? Number.POSITIVE_INFINITY;
  known.set(name, ceiling);
  return ceiling;
}

/**
 * The limits of a process, none above what the engine itself may set: the runtime would fail with EPERM. A limit that somebody
 * asked for and that had to be lowered is told.
 */
export function rlimitsFor(
  defaults: readonly string[],
  asked: readonly Ulimit[],
  system: Pick<System, 'processes'>,
  warn: (message: string) => void,
): OciRlimit[] {
  const wanted = new Map<string, { readonly limit: Ulimit; readonly asked: boolean }>();
  for (const limit of unasked) wanted.set(limit.name, { limit, asked: false });
  for (const word of defaults) {
    const limit = parseUlimit(word);
    if (limit) wanted.set(limit.name, { limit, asked: true });
  }
  for (const limit of asked) wanted.set(checkedName(limit.name), { limit, asked: true });
  return [...wanted].map(([name, { limit, asked: told }]) => {
    const ceiling = ceilingOf(name, system.processes);
    const hard = lowered(limit.hard, ceiling);
    const soft = Math.min(lowered(limit.soft, ceiling), hard);
    if (told && (hard < asNumber(limit.hard) || soft < asNumber(limit.soft)))
      warn(`ulimit ${name}=${limit.soft}:${limit.hard} was lowered to ${soft}:${hard}, the hard limit of this host`);
    return { type: `RLIMIT_${name.toUpperCase()}`, hard: toSpec(hard), soft: toSpec(soft) };
  });
}

/** name=soft[:hard], as in containers.conf; `host` keeps the engine's own limits. */
function parseUlimit(word: string): Ulimit | undefined {
  if (word === 'host') return undefined;
  const match = /^([A-Za-z_]+)=(-?\d+)(?::(-?\d+))?$/.exec(word);
  if (!match)
    throw new EngineError('invalid-argument', `ulimit option "${word}" requires name=SOFT:HARD, failed to be parsed`, {
      fix: 'Correct default_ulimits in containers.conf.',
    });
  const soft = Number(match[2]);
  return { name: checkedName(match[1] ?? ''), soft, hard: match[3] === undefined ? soft : Number(match[3]) };
}

function checkedName(word: string): string {
  const name = word.toLowerCase().replace(/^rlimit_/, '');
  if (names.has(name)) return name;
  throw new EngineError('invalid-argument', `invalid ulimit type: ${word}`, {
    fix: `Use one of ${[...names].join(', ')}.`,
    details: { field: 'ulimits' },
  });
}

function asNumber(value: number): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

function lowered(value: number, ceiling: number): number {
  return Math.min(asNumber(value), ceiling);
}

function toSpec(value: number): number | RawJson {
  return Number.isFinite(value) ? value : unlimited;
}
