/** Maps of ids that are laid over others: the flag + of --uidmap and --gidmap. */
import type { IdRange } from '../../system/system.ts';

/**
 * `ranges` with `added`, which wins: an id that it has inside or outside loses the mapping that it had (podman-run(1), --uidmap, "Extending previous
 * mappings"). Sorted by the id inside; neighbours that go on where the other ends are one.
 */
export function extendMap(ranges: readonly IdRange[], added: IdRange): IdRange[] {
  const left = ranges.flatMap((range) => without(range, 'containerId', added)).flatMap((range) => without(range, 'hostId', added));
  return merge([...left, added]);
}

/** What is left of a range of the ids of one side that are not among `taken`'s. */
function without(range: IdRange, side: 'containerId' | 'hostId', taken: IdRange): IdRange[] {
  const from = Math.max(0, taken[side] - range[side]);
  const to = Math.min(range.size, taken[side] + taken.size - range[side]);
  return from >= to ? [range] : [part(range, 0, from), part(range, to, range.size)].filter(({ size }) => size > 0);
}

function part({ containerId, hostId }: IdRange, from: number, to: number): IdRange {
  return { containerId: containerId + from, hostId: hostId + from, size: to - from };
}

function merge(ranges: readonly IdRange[]): IdRange[] {
  const merged: IdRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.containerId - b.containerId)) {
    const last = merged.at(-1);
    const goesOn = last && last.containerId + last.size === range.containerId && last.hostId + last.size === range.hostId;
    if (goesOn) merged[merged.length - 1] = { ...last, size: last.size + range.size };
    else merged.push(range);
  }
  return merged;
}
