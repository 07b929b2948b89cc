import { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { EngineError, isEngineError, messageOf, throwIfAborted } from '../../base/errors.ts';
import type { GrowingFile } from '../content/content.ts';
import type { FromWorker, ToWorker, UnpackJob, UnpackResult } from './unpack-job.ts';

const batchBytes = 1024 * 1024;
/** Sent and not yet used; a network that is faster than the disk waits. */
const creditBytes = 4 * batchBytes;

export interface UnpackTask {
  readonly job: Omit<UnpackJob, 'stop'>;
  readonly source: Readable | GrowingFile | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((tarBytes: number) => void) | undefined;
}

/** Lets a worker do one job and feeds it. Rejects when worker or source fail, or the signal fires; the source is then destroyed. */
export async function runInWorker(worker: Worker, { job, source, signal, onProgress }: UnpackTask): Promise<UnpackResult> {
  const stop = new SharedArrayBuffer(4);
  const { promise: finished, resolve, reject } = Promise.withResolvers<UnpackResult>();
  const credit = new Credit();
  const onMessage = (message: FromWorker): void => {
    if (message.type === 'consumed') credit.give(message.bytes);
    else if (message.type === 'progress') onProgress?.(message.tarBytes);
    else if (message.type === 'done') resolve(message.result);
    else if (message.type === 'failed') reject(EngineError.fromData(message.error));
  };
  const onError = (error: unknown): void => reject(toWorkerError(error));
  const onAbort = (): void => {
    Atomics.store(new Int32Array(stop), 0, 1);
    reject(new EngineError('cancelled', 'cancelled', { cause: signal?.reason }));
  };
  worker.on('message', onMessage);
  worker.once('error', onError);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    throwIfAborted(signal);
    post(worker, { type: 'job', job: { ...job, stop } });
    if (source) await Promise.race([source instanceof Readable ? feed(worker, source, credit) : announce(worker, source), finished]);
    return await finished;
  } catch (error) {
    Atomics.store(new Int32Array(stop), 0, 1);
    source?.destroy();
    throw error;
  } finally {
    credit.end();
    worker.off('message', onMessage);
    worker.off('error', onError);
    signal?.removeEventListener('abort', onAbort);
    finished.catch(() => undefined);
  }
}

class Credit {
  #used = 0;
  #ended = false;
  #waiting: (() => void) | undefined;

  get idle(): boolean {
    return this.#used === 0;
  }

  /** Answers whether to go on. */
  async take(bytes: number): Promise<boolean> {
    while (this.#used > 0 && this.#used + bytes > creditBytes && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    this.#used += bytes;
    return !this.#ended;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

/**
 * Copies into batches that are then given away: the pieces themselves may have other readers, and a socket's are too small to be
 * worth a message each. An idle worker gets what there is.
 */
async function feed(worker: Worker, source: Readable, credit: Credit): Promise<void> {
  let batch = new Uint8Array(batchBytes);
  let filled = 0;
  const flush = async (): Promise<boolean> => {
    if (filled === 0) return true;
    const bytes = batch.subarray(0, filled);
    if (!(await credit.take(filled))) return false;
    post(worker, { type: 'chunk', bytes }, [batch.buffer]);
    batch = new Uint8Array(batchBytes);
    filled = 0;
    return true;
  };
  for await (const piece of pieces(source)) {
    for (let at = 0; at < piece.length; ) {
      const size = Math.min(piece.length - at, batchBytes - filled);
      batch.set(piece.subarray(at, at + size), filled);
      filled += size;
      at += size;
      if ((filled === batchBytes || credit.idle) && !(await flush())) return;
    }
  }
  if (await flush()) post(worker, { type: 'end' });
}

/** The worker reads the file itself; all that it needs to know is how far. */
async function announce(worker: Worker, { sizes }: GrowingFile): Promise<void> {
  for await (const bytes of sizes) post(worker, { type: 'size', bytes });
  post(worker, { type: 'end' });
}

async function* pieces(source: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of source) yield typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array);
  } catch (error) {
    if (isEngineError(error)) throw error;
    throw new EngineError('unavailable', `its source broke off: ${messageOf(error)}`, { cause: error });
  }
}

function post(worker: Worker, message: ToWorker, transfer: ArrayBuffer[] = []): void {
  worker.postMessage(message, transfer);
}

export function toWorkerError(error: unknown): EngineError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new EngineError('limit-exceeded', 'its directory tree needs more memory than is allowed', { cause: error });
  return new EngineError('internal', messageOf(error), { cause: error });
}
