import { EngineError } from './errors.ts';

/**
 * A single-producer, single-consumer queue that is read as an async iterable.
 * `push` never blocks; a producer that can be slowed down awaits `drained()` when `push` returned false.
 * Leaving the consuming loop closes the queue and runs `onClose`.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  readonly #highWater: number;
  readonly #onClose: (() => void) | undefined;
  #waitingReader: PromiseWithResolvers<IteratorResult<T>> | undefined;
  #waitingWriters: (() => void)[] = [];
  #ended = false;
  #error: unknown;
  #failed = false;

  /** @param options.highWater number of items above which `push` answers false */
  constructor(options: { readonly highWater?: number; readonly onClose?: () => void } = {}) {
    this.#highWater = options.highWater ?? 64;
    this.#onClose = options.onClose;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Answers whether the producer may go on at once. Items pushed after the end are dropped. */
  push(item: T): boolean {
    if (this.#ended) return false;
    const reader = this.#waitingReader;
    if (reader) {
      this.#waitingReader = undefined;
      reader.resolve({ value: item, done: false });
    } else {
      this.#items.push(item);
    }
    return this.#items.length < this.#highWater;
  }

  /** Resolves when there is room again, or when the queue has ended. */
  drained(): Promise<void> {
    if (this.#ended || this.#items.length < this.#highWater) return Promise.resolve();
    return new Promise((resolve) => this.#waitingWriters.push(resolve));
  }

  end(): void {
    this.#finish();
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failed = true;
    this.#error = error;
    this.#finish();
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      if (this.#items.length < this.#highWater) this.#releaseWriters();
      return { value, done: false };
    }
    if (this.#ended) {
      if (this.#failed) {
        this.#failed = false;
        throw this.#error;
      }
      return { value: undefined, done: true };
    }
    if (this.#waitingReader) throw new EngineError('internal', 'a queue has two readers');
    this.#waitingReader = Promise.withResolvers<IteratorResult<T>>();
    return this.#waitingReader.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#items.length = 0;
    this.#failed = false;
    this.#finish();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#releaseWriters();
    const reader = this.#waitingReader;
    this.#waitingReader = undefined;
    if (reader) {
      if (this.#failed) {
        this.#failed = false;
        reader.reject(this.#error);
      } else reader.resolve({ value: undefined, done: true });
    }
    this.#onClose?.();
  }

  #releaseWriters(): void {
    for (const release of this.#waitingWriters.splice(0)) release();
  }
}
