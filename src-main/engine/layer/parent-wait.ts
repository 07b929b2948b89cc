import { EngineError, isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { LayerRecord, State } from '../state/state.ts';

export interface ExpectedParent {
  /** Resolves when it is committed, by any engine; rejects when this engine fails to unpack it, or the signal fires. */
  ready(signal: AbortSignal | undefined): Promise<void>;
  forget(): void;
}

/** Lets a layer wait for the one below it: layers are filled side by side and committed from the bottom up. */
export class ParentWait {
  readonly #state: Pick<State, 'events' | 'layers'>;
  readonly #failures = new Map<Digest, Set<PromiseWithResolvers<never>>>();

  constructor(state: Pick<State, 'events' | 'layers'>) {
    this.#state = state;
  }

  /** From now on failures of that parent are noticed, even before anybody waits. */
  expect(parent: Digest | undefined): ExpectedParent {
    if (parent === undefined) return { ready: () => Promise.resolve(), forget: () => undefined };
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined);
    const group = this.#failures.get(parent) ?? new Set();
    this.#failures.set(parent, group.add(failure));
    return {
      ready: (signal) => this.#ready(parent, failure.promise, signal),
      forget: () => {
        group.delete(failure);
        if (group.size === 0 && this.#failures.get(parent) === group) this.#failures.delete(parent);
      },
    };
  }

  /** Tells those who wait for `layer` when it fails. */
  async report(layer: Digest, unpacked: Promise<LayerRecord>): Promise<LayerRecord> {
    try {
      return await unpacked;
    } catch (error) {
      const told = isEngineError(error)
        ? error.within('the layer below failed')
        : new EngineError('internal', 'the layer below failed', { cause: error });
      for (const failure of this.#failures.get(layer) ?? []) failure.reject(told);
      throw error;
    }
  }

  async #ready(parent: Digest, failed: Promise<never>, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state.layers.find(parent)) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    using _listening = this.#state.events.onChange(() => {
      if (this.#state.layers.find(parent)) resolve(undefined);
    });
    const onAbort = (): void => {
      reject(new EngineError('cancelled', 'cancelled', { cause: signal?.reason }));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted === true) onAbort();
      // Between the first look and the listening it may have come.
      if (this.#state.layers.find(parent)) return;
      await Promise.race([promise, failed]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}
