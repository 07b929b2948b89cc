/** That something in the store has changed, whoever did it: the CLI, another window, a container that ended. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { EngineEvent } from '../../src-main/contract/event.ts';
import { liveStore } from './live.ts';
import { useSelected } from './store.ts';

/** What a container does while it runs takes no space that is measured here; that it began or ended does. */
const ofContainers: ReadonlySet<string> = new Set([
  'create',
  'start',
  'died',
  'cleanup',
  'remove',
  'restore',
  'discard',
  'rename',
  'prune',
]);

export function changesStore({ type, status }: Pick<EngineEvent, 'type' | 'status'>): boolean {
  return type !== 'container' || ofContainers.has(status);
}

/** The number of the last event that mattered. */
const changes = liveStore<EngineEvent, number>({
  empty: 0,
  open: (api, signal) => api.event.watch({ follow: true }, { signal }),
  fold: (last, events) => events.findLast(changesStore)?.sequence ?? last,
});

/** A removal of many is a burst of events: what they change is asked for once. */
const pauseMs = 400;

/** Asks again for what is kept under `key` whenever the store has changed. `key` has to be the same value each time. */
export function useRefreshOnChange(key: readonly string[]): void {
  const client = useQueryClient();
  const last = useSelected(changes, (live) => live.value);
  useEffect(() => {
    if (last === 0) return undefined;
    const timer = setTimeout(() => void client.invalidateQueries({ queryKey: key }), pauseMs);
    return () => {
      clearTimeout(timer);
    };
  }, [client, last, key]);
}
