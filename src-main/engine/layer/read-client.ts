import type { Worker } from 'node:worker_threads';
import { AsyncQueue } from '../../base/async-queue.ts';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { LayerRecord } from '../state/state.ts';
import type { FromWorker, ReadJob, ReadResult, ToWorker } from './unpack-job.ts';
import type { WorkerPool } from './worker-pool.ts';
import { toWorkerError } from './unpack-client.ts';

export interface ReadTask {
  readonly job: Omit<ReadJob, 'stop'>;
  /** What it has to be in the end. */
  readonly layer: LayerRecord;
  readonly signal: AbortSignal | undefined;
}

/** Lets a worker put a layer together and hands on what comes. Leaving the loop ends the worker. */
export async function* readInWorker(pool: WorkerPool, { job, layer, signal }: ReadTask): AsyncGenerator<Buffer> {
  const left = new AbortController();
  const stop = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const parts = new AsyncQueue<Buffer>();
  let giveBack: (bytes: number) => void = () => undefined;
  const running = pool
    .use(stop, (worker) => {
      giveBack = (bytes) => {
        post(worker, { type: 'used', bytes });
      };
      return collect(worker, job, parts, stop);
    })
    .then(
      (result) => {
        const problem = problemOf(result, layer);
        if (problem) parts.fail(problem);
        else parts.end();
      },
      (error: unknown) => {
        parts.fail(isDamage(error) ? withFix(error) : error);
      },
    );
  try {
    for await (const part of parts) {
      yield part;
      giveBack(part.length);
    }
  } finally {
    left.abort();
    await running;
  }
}

async function collect(worker: Worker, job: Omit<ReadJob, 'stop'>, parts: AsyncQueue<Buffer>, signal: AbortSignal): Promise<ReadResult> {
  const stop = new SharedArrayBuffer(4);
  const { promise, resolve, reject } = Promise.withResolvers<ReadResult>();
  const onMessage = (message: FromWorker): void => {
    if (message.type === 'part') parts.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
    else if (message.type === 'read') resolve(message.result);
    else if (message.type === 'failed') reject(EngineError.fromData(message.error));
  };
  const onError = (error: unknown): void => {
    reject(toWorkerError(error));
  };
  const onAbort = (): void => {
    Atomics.store(new Int32Array(stop), 0, 1);
    reject(new EngineError('cancelled', 'cancelled', { cause: signal.reason }));
  };
  worker.on('message', onMessage);
  worker.once('error', onError);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    throwIfAborted(signal);
    post(worker, { type: 'read', job: { ...job, stop } });
    return await promise;
  } finally {
    worker.off('message', onMessage);
    worker.off('error', onError);
    signal.removeEventListener('abort', onAbort);
  }
}

function post(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}

function problemOf({ diffId, tarBytes }: ReadResult, layer: LayerRecord): EngineError | undefined {
  if (diffId === layer.diffId && tarBytes === layer.sizeBytes) return undefined;
  return withFix(new EngineError('corrupt', `it was changed on the disk: put together again it has the digest ${diffId}`));
}

function isDamage(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === 'corrupt';
}

function withFix({ message, details }: EngineError): EngineError {
  return new EngineError('corrupt', message, {
    fix: 'remove the images that have this layer, and pull or load them again',
    details,
  });
}
