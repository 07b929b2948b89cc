import type { ContainerStats } from '../../src-main/contract/container.ts';
import { liveStore, type LiveStore } from './live.ts';
import { useSelected } from './store.ts';

export type StatsById = ReadonlyMap<string, ContainerStats>;

const none: StatsById = new Map();

function statsOf(containers: readonly string[] | undefined): LiveStore<StatsById> {
  return liveStore<readonly ContainerStats[], StatsById>({
    empty: none,
    open: (api, signal) => api.container.stats({ intervalMs: 2_000, ...(containers ? { containers: [...containers] } : {}) }, { signal }),
    fold: (value, lists) => {
      const last = lists.at(-1);
      return last ? new Map(last.map((stats) => [stats.id, stats])) : value;
    },
    whileVisible: true,
  });
}

/** Of all running containers; measured only while a component follows it and the window can be seen. */
export const allStats = statsOf(undefined);

export function useStats(id: string): ContainerStats | undefined {
  return useSelected(allStats, (live) => live.value.get(id));
}

/** Of one container, for its page. */
export const statsOfContainer = (id: string) => statsOf([id]);
