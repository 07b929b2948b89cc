/** Values that the engine streams: kept while someone looks, resumed after a loss of the connection. */
import { EngineError, isCancelled, isEngineError, messageOf } from '../../src-main/base/errors.ts';
import type { EngineClient } from '../../src-main/contract/engine.ts';
import { type Connection, connection } from './connection.ts';
import { createStore, type Store } from './store.ts';

export type Live<T> =
  | { readonly status: 'loading'; readonly value: T }
  | { readonly status: 'live'; readonly value: T }
  | { readonly status: 'failed'; readonly value: T; readonly error: EngineError };

export interface LiveStore<T> extends Store<Live<T>> {
  /** Asks again after a failure. */
  readonly retry: () => void;
}

export interface LiveOptions<Item, T> {
  readonly empty: T;
  readonly open: (api: EngineClient, signal: AbortSignal) => AsyncIterable<Item>;
  /** Folds a batch into a new value; `restart` when the order was broken and a new snapshot is needed. */
  readonly fold: (value: T, items: readonly Item[]) => T | 'restart';
  /** Nothing is asked for while the window is hidden. */
  readonly whileVisible?: boolean;
  readonly connection?: () => Connection;
}

/** Deltas that come in a burst become one change of the page. */
const batchMs = 16;
/** How long a stream is kept for the next page after the last reader has gone. */
const lingerMs = 1_000;

export function liveStore<Item, T>(options: LiveOptions<Item, T>): LiveStore<T> {
  const store = createStore<Live<T>>({ status: 'loading', value: options.empty }, (active) => {
    clearTimeout(lingering);
    if (active) activate();
    else lingering = setTimeout(deactivate, lingerMs);
  });
  const link = options.connection ?? connection;
  let lingering: ReturnType<typeof setTimeout> | undefined;
  let abort: AbortController | undefined;
  let api: EngineClient | undefined;
  let leave: (() => void) | undefined;

  function activate(): void {
    if (leave) return;
    const unsubscribe = link().state.subscribe(sync);
    if (options.whileVisible === true) document.addEventListener('visibilitychange', sync);
    leave = () => {
      unsubscribe();
      document.removeEventListener('visibilitychange', sync);
    };
    sync();
  }

  function deactivate(): void {
    leave?.();
    leave = undefined;
    stop();
    // What is shown next time has to be asked for again, and must not look live before.
    store.set({ status: 'loading', value: options.empty });
  }

  function stop(): void {
    abort?.abort();
    abort = undefined;
    api = undefined;
  }

  function sync(): void {
    const state = link().state.get();
    const wanted =
      state.status === 'ready' && !(options.whileVisible === true && document.visibilityState === 'hidden') ? state.api : undefined;
    if (wanted === api) return;
    stop();
    if (wanted) start(wanted);
  }

  function start(wanted: EngineClient): void {
    api = wanted;
    abort = new AbortController();
    store.update((live) => ({ status: live.status === 'live' ? 'live' : 'loading', value: live.value }));
    void follow(wanted, abort);
  }

  async function follow(from: EngineClient, mine: AbortController): Promise<void> {
    let batch: Item[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let value = store.get().value;
    const flush = () => {
      timer = undefined;
      if (mine.signal.aborted || batch.length === 0) return;
      const next = options.fold(value, batch);
      batch = [];
      if (next === 'restart') {
        stop();
        sync();
        return;
      }
      value = next;
      store.set({ status: 'live', value });
    };
    try {
      for await (const item of options.open(from, mine.signal)) {
        batch.push(item);
        timer ??= setTimeout(flush, batchMs);
      }
      throw new EngineError('unavailable', 'the engine stopped reporting changes');
    } catch (error) {
      if (mine.signal.aborted || isCancelled(error) || isEngineError(error, 'disconnected')) return;
      clearTimeout(timer);
      store.set({ status: 'failed', value, error: isEngineError(error) ? error : new EngineError('internal', messageOf(error)) });
    }
  }

  return {
    get: store.get,
    subscribe: store.subscribe,
    retry() {
      stop();
      store.update((live) => ({ status: 'loading', value: live.value }));
      sync();
    },
  };
}
