/** The thread that unpacks one layer after the other; started by WorkerPool. Synchronous file system calls, so never on a main thread. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { AsyncQueue } from '../../base/async-queue.ts';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { ErrorData } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import { createLinuxSystem } from '../../system/linux/linux.ts';
import { readBlob } from './blob-reader.ts';
import { DiffWriter } from './diff-writer.ts';
import { TarReader } from './tar-reader.ts';
import { diskSpaceOf, UnpackBudget } from './unpack-budget.ts';
import type { FromWorker, ToWorker, UnpackJob, UnpackResult } from './unpack-job.ts';

const readBytes = 1024 * 1024;
const progressBytes = 4 * 1024 * 1024;

const port = parentPort;
if (!port) throw new EngineError('internal', 'this file is a worker thread');
const { attributes, identity } = createLinuxSystem();
let chunks = new AsyncQueue<Buffer>();

port.on('message', (message: ToWorker) => {
  if (message.type === 'chunk') chunks.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
  else if (message.type === 'end') chunks.end();
  else {
    // Anew for each job: what a failed one did not take is gone with it.
    chunks = new AsyncQueue<Buffer>();
    void run(message.job);
  }
});

function send(message: FromWorker): void {
  port?.postMessage(message);
}

async function run(job: UnpackJob): Promise<void> {
  try {
    send({ type: 'done', result: await unpack(job) });
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  }
}

async function unpack(job: UnpackJob): Promise<UnpackResult> {
  const stop = new Int32Array(job.stop);
  const checkpoint = (): void => {
    if (Atomics.load(stop, 0) !== 0) throw new EngineError('cancelled', 'cancelled');
  };
  const budget = new UnpackBudget(job.place, () => diskSpaceOf(job.diffDirectory));
  const writer = new DiffWriter({
    root: job.diffDirectory,
    alias: job.alias,
    xattrPrefix: job.xattrPrefix,
    attributes,
    identity,
    umask: readUmask(),
    budget,
    checkpoint,
  });
  const reader = new TarReader(writer);
  let reported = 0;
  try {
    const digests = await readBlob({
      chunks: job.path === undefined ? received(chunks) : fileChunks(job.path),
      onTar: (chunk) => reader.push(chunk),
      onCount: (blobBytes, tarBytes) => {
        checkpoint();
        budget.countStream(blobBytes, tarBytes);
        if (tarBytes - reported < progressBytes) return;
        reported = tarBytes;
        send({ type: 'progress', tarBytes });
      },
    });
    reader.finish();
    writer.finish();
    return { ...digests, entries: budget.entries, rootSeen: writer.rootSeen };
  } finally {
    writer.abandon();
  }
}

async function* received(queue: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of queue) {
    yield chunk;
    send({ type: 'consumed', bytes: chunk.length });
  }
}

async function* fileChunks(path: string): AsyncGenerator<Buffer> {
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      // A new one each time: zlib may still be reading the last.
      const chunk = Buffer.allocUnsafeSlow(readBytes);
      const length = readSync(descriptor, chunk, 0, readBytes, null);
      if (length === 0) return;
      yield await Promise.resolve(chunk.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** process.umask() without an argument sets it for a moment, for all threads. */
function readUmask(): number {
  const [, digits = '777'] = /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return Number.parseInt(digits, 8);
}

function toErrorData(error: unknown): ErrorData {
  const known = toEngineError(error, 'unpack', 'the layer');
  if (known instanceof EngineError) return known.toData();
  // The stack goes where bugs are logged, by way of the details; it is not shown.
  return { code: 'internal', message: messageOf(error), details: { stack: error instanceof Error ? error.stack : undefined } };
}
