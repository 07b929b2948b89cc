import { AsyncQueue } from '../../base/async-queue.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import type { EngineEvent } from '../../contract/event.ts';
import type { State } from '../state/state.ts';
import type { Rooms } from './rooms.ts';

export function eventHandlers({ state }: Rooms): EngineHandlers['event'] {
  return {
    async *watch({ afterSequence, follow }, { signal }) {
      const from = afterSequence ?? state.events.lastSequence();
      if (!follow) {
        yield* state.events.after(from);
        return;
      }
      for await (const batch of engineEvents(state, from, signal)) yield* batch;
    },
  };
}

/** Batches of events after `sequence`, as they happen, until the signal fires. Never an empty batch. */
export async function* engineEvents(state: State, sequence: number, signal: AbortSignal): AsyncGenerator<EngineEvent[]> {
  const wakes = new AsyncQueue<true>();
  const stop = () => {
    wakes.end();
  };
  signal.addEventListener('abort', stop, { once: true });
  using _watch = state.events.onChange(() => {
    wakes.push(true);
  });
  let last = sequence;
  try {
    if (signal.aborted) return;
    // What happened between the caller's snapshot and this watch.
    wakes.push(true);
    for await (const _ of wakes) {
      const batch = state.events.after(last);
      const newest = batch.at(-1);
      if (!newest) continue;
      last = newest.sequence;
      yield batch;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
