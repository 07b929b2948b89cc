import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EngineError, throwIfAborted } from '../../base/errors.ts';

/** A pull sends its layers within seconds of each other; after that a thread is only memory. */
const idleMs = 2_000;
/** A layer that needs more has millions of entries and is an attack. */
const heapMegabytes = 1024;
/** Of short-lived objects: V8 would let it grow to 48 per thread, and what is unpacked does not pass through it. */
const youngMegabytes = 6;

/** Threads for unpacking: made when needed, used again, gone when idle. They do not keep the process alive. */
export class WorkerPool {
  readonly #path: string;
  readonly #limit = Math.max(2, Math.min(6, availableParallelism()));
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(path: string | undefined) {
    this.#path = path ?? findWorkerFile();
  }

  /** Runs `use` with a thread of its own; if it throws, the thread is ended, whatever it was doing. */
  async use<T>(signal: AbortSignal | undefined, use: (worker: Worker) => Promise<T>): Promise<T> {
    await this.#acquire(signal);
    const worker = this.#take();
    try {
      const result = await use(worker);
      this.#keep(worker);
      return result;
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #acquire(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    while (this.#busy >= this.#limit) await this.#turn(signal);
    this.#busy += 1;
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    this.#waiting.push(wake);
    signal?.addEventListener('abort', wake, { once: true });
    await promise;
    signal?.removeEventListener('abort', wake);
    const index = this.#waiting.indexOf(wake);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (signal?.aborted !== true) return;
    // The turn may have come in the same moment: pass it on.
    this.#waiting.shift()?.();
    throwIfAborted(signal);
  }

  #take(): Worker {
    const idle = this.#idle.pop();
    if (idle) {
      clearTimeout(idle.timer);
      idle.worker.ref();
      return idle.worker;
    }
    return new Worker(this.#path, {
      name: 'unpack',
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes, maxYoungGenerationSizeMb: youngMegabytes },
    });
  }

  #keep(worker: Worker): void {
    worker.unref();
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((idle) => idle.worker === worker);
      if (index >= 0) this.#idle.splice(index, 1);
      void worker.terminate();
    }, idleMs);
    timer.unref();
    this.#idle.push({ worker, timer });
  }
}

/**
 * Beside the bundle, or above its chunks. Never the source: Node takes the types away by WebAssembly, and threads that compile it at the
 * same time now and then abort the process in V8 ("jit_page.has_value()", nodejs/node#64500).
 */
function findWorkerFile(): string {
  const paths = ['./unpack-worker.js', '../unpack-worker.js'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new EngineError('missing-tool', `a part of the engine is missing: ${paths.join(' or ')}`, {
      fix: 'build or install Selkie again',
    });
  return path;
}
