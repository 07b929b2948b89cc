import type { ContainerSummary } from '../../contract/container.ts';
import type { ContainerRecord } from '../state/state.ts';
import { compileFilters, impliesAll, type Filter } from './filters.ts';
import { isActive, type Room } from './room.ts';
import { asOfNow, toSummary } from './summary.ts';

export interface ListOptions {
  readonly all: boolean;
  readonly filters: readonly Filter[];
  readonly size: boolean;
  readonly last: number | undefined;
}

/** Newest first. Right even when no engine was there to see a container end. */
export async function listContainers(room: Room, options: ListOptions): Promise<ContainerSummary[]> {
  const test = compileFilters(room, options.filters);
  const last = options.last !== undefined && options.last > 0 ? options.last : undefined;
  const all = options.all || last !== undefined || impliesAll(options.filters);
  const records = room.state.containers
    .list()
    .map((record) => asOfNow(room, record))
    .filter((record) => (all || isActive(record)) && test(record))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .slice(0, last);
  if (!options.size) return records.map(toSummary);
  return Promise.all(records.map(async (record) => ({ ...toSummary(record), size: await sizeOf(room, record) })));
}

export async function sizeOf(
  room: Room,
  record: ContainerRecord,
): Promise<{ readonly writableBytes: number; readonly virtualBytes: number }> {
  const writableBytes = room.snapshots.exists(record.id) ? await room.snapshots.diffBytes(record.id) : 0;
  return { writableBytes, virtualBytes: writableBytes + (room.state.images.find(record.imageId)?.sizeBytes ?? 0) };
}
