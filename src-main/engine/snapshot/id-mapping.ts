/** Ids of a user namespace, and what they are for us: the arithmetic of it. */
import { createHash } from 'node:crypto';
import type { IdRange } from '../../system/system.ts';

/** How the ids in a container translate: `containerId` is what is in the image and what the container sees, `hostId` what we see. */
export interface IdMapping {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

const idCount = 2 ** 32 - 1;

/** What we see, of an id that the container sees; undefined: it has no place here. */
export function toHost(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range && range.hostId + (id - range.containerId);
}

/** The other way round. */
export function toContainer(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ hostId, size }) => id >= hostId && id < hostId + size);
  return range && range.containerId + (id - range.hostId);
}

/** Ten digits that name it. */
export function mappingName(mapping: IdMapping): string {
  const text = JSON.stringify([mapping.uids, mapping.gids].map((ranges) => ranges.map((one) => [one.containerId, one.hostId, one.size])));
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/**
 * With a place for our own root, where there is none: overlay makes its scratch files as who mounted it, and the kernel refuses a file whose
 * owner would have no id on the disk; and we make files ourselves in any tree. They get an id that no file of an image has.
 */
export function withOurRoot({ uids, gids }: IdMapping): IdMapping {
  return { uids: withRoot(uids), gids: withRoot(gids) };
}

function withRoot(ranges: readonly IdRange[]): readonly IdRange[] {
  if (toContainer(ranges, 0) !== undefined) return ranges;
  const end = Math.max(...ranges.map(({ containerId, size }) => containerId + size));
  const free = end < idCount ? end : firstGap(ranges);
  return free === undefined ? ranges : [...ranges, { containerId: free, hostId: 0, size: 1 }];
}

function firstGap(ranges: readonly IdRange[]): number | undefined {
  let next = 0;
  for (const { containerId, size } of [...ranges].sort((a, b) => a.containerId - b.containerId)) {
    if (containerId > next) return next;
    next = containerId + size;
  }
  return next < idCount ? next : undefined;
}

export function parseMapping(value: unknown): IdMapping | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { uids, gids } = value as Partial<Record<keyof IdMapping, unknown>>;
  return isRanges(uids) && isRanges(gids) ? { uids, gids } : undefined;
}

function isRanges(value: unknown): value is IdRange[] {
  return Array.isArray(value) && value.length > 0 && value.every(isRange);
}

function isRange(value: unknown): value is IdRange {
  if (typeof value !== 'object' || value === null) return false;
  const { containerId, hostId, size } = value as Partial<Record<keyof IdRange, unknown>>;
  return [containerId, hostId, size].every((one) => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0 && one <= idCount);
}
