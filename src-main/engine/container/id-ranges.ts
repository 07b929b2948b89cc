/** Ranges of ids for --userns=auto: which are free, and what becomes what. */
import { EngineError } from '../../base/errors.ts';
import type { IdRange } from '../../system/system.ts';

/** From `start` on, `end` excluded. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/**
 * The first free ids for [0, size), and the additional mappings as they are: as containers/storage does it.
 * @throws limit-exceeded when there are not enough
 */
export function allocate(
  kind: 'uid' | 'gid',
  {
    size,
    available,
    used,
    additional,
  }: {
    readonly size: number;
    readonly available: readonly Interval[];
    readonly used: readonly Interval[];
    readonly additional: readonly IdRange[];
  },
): IdRange[] {
  const inside = subtract(
    [{ start: 0, end: size }],
    additional.map(({ containerId, size: count }) => ({ start: containerId, end: containerId + count })),
  );
  const taken = [...used, ...additional.map(({ hostId, size: count }) => ({ start: hostId, end: hostId + count }))];
  const free = subtract(available, taken);
  const wanted = total(inside);
  if (total(free) < wanted)
    throw new EngineError(
      'limit-exceeded',
      `creating container storage: could not find enough available IDs: ${String(wanted)} ${kind}s are needed, ${String(total(free))} are free`,
      {
        fix: `remove containers with a user namespace of their own, ask for less with --userns=auto:size=…, or add a range to /etc/sub${kind}`,
        details: { kind, wanted, free: total(free) },
      },
    );
  return [...zip(inside, free), ...additional];
}

export function subtract(from: readonly Interval[], what: readonly Interval[]): Interval[] {
  let left = [...from].sort((a, b) => a.start - b.start);
  for (const { start, end } of what) {
    left = left.flatMap((one) =>
      end <= one.start || start >= one.end
        ? [one]
        : [
            { start: one.start, end: Math.max(one.start, start) },
            { start: Math.min(one.end, end), end: one.end },
          ].filter((piece) => piece.end > piece.start),
    );
  }
  return left;
}

function total(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** As many as the first has. */
function zip(inside: readonly Interval[], outside: readonly Interval[]): IdRange[] {
  const ranges: IdRange[] = [];
  const [ins, outs] = [[...inside], [...outside]];
  for (let a = ins.shift(), b = outs.shift(); a && b; ) {
    const size = Math.min(a.end - a.start, b.end - b.start);
    ranges.push({ containerId: a.start, hostId: b.start, size });
    a = a.start + size < a.end ? { start: a.start + size, end: a.end } : ins.shift();
    b = b.start + size < b.end ? { start: b.start + size, end: b.end } : outs.shift();
  }
  return ranges;
}
