import { QueryClient } from '@tanstack/react-query';
import { connection } from './connection.ts';

/** Answers of the engine. Nothing is asked again on a timer or on focus: what changes is streamed, or invalidated by who changed it. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: { retry: false, refetchOnWindowFocus: false, refetchOnReconnect: false, staleTime: 0, gcTime: 60_000, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
});

/** After a loss everything on the page is asked for again. */
export function refreshAfterReconnect(): () => void {
  let lost = false;
  return connection().state.subscribe(() => {
    const state = connection().state.get();
    if (state.status !== 'ready') lost = true;
    else if (lost) {
      lost = false;
      void cache.invalidateQueries();
    }
  });
}
