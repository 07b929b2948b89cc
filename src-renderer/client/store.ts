import { useSyncExternalStore } from 'react';

/** A value that components can follow. */
export interface Store<T> {
  readonly get: () => T;
  readonly subscribe: (listener: () => void) => () => void;
}

export interface WritableStore<T> extends Store<T> {
  readonly set: (value: T) => void;
  readonly update: (change: (value: T) => T) => void;
}

export function createStore<T>(initial: T, onActive?: (active: boolean) => void): WritableStore<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  function set(next: T): void {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of [...listeners]) listener();
  }
  return {
    get: () => value,
    set,
    update: (change) => {
      set(change(value));
    },
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) onActive?.(true);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) onActive?.(false);
      };
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Follows a part of a store; `select` has to answer the same value for the same state. */
export function useSelected<T, S>(store: Store<T>, select: (value: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
