/** The thread that unpacks one layer after the other, or reads them back; started by WorkerPool. Synchronous file system calls, so never on a main thread. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { AsyncQueue } from '../../base/async-queue.ts';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { ErrorData } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import { createLinuxSystem } from '../../system/linux/linux.ts';
import { readBlob } from './blob-reader.ts';
import { DiffWriter } from './diff-writer.ts';
import { RecipeReader } from './recipe-reader.ts';
import { RecipeWriter } from './recipe-writer.ts';
import { TarReader } from './tar-reader.ts';
import { diskSpaceOf, UnpackBudget } from './unpack-budget.ts';
import type { FromWorker, ReadJob, ReadResult, ToWorker, UnpackJob, UnpackResult } from './unpack-job.ts';

const readBytes = 1024 * 1024;
const progressBytes = 4 * 1024 * 1024;
/** Read and not yet used; a destination that is slower than the disk is waited for. */
const aheadBytes = 4 * 1024 * 1024;

const port = parentPort;
if (!port) throw new EngineError('internal', 'this file is a worker thread');
const { attributes, identity } = createLinuxSystem();
let chunks = new AsyncQueue<Buffer>();
let sizes = new AsyncQueue<number>();
let used = new AsyncQueue<number>();

port.on('message', (message: ToWorker) => {
  if (message.type === 'chunk') chunks.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
  else if (message.type === 'size') sizes.push(message.bytes);
  else if (message.type === 'end') {
    chunks.end();
    sizes.end();
  } else if (message.type === 'used') used.push(message.bytes);
  else {
    // Anew for each job: what a failed one did not take is gone with it.
    chunks = new AsyncQueue<Buffer>();
    sizes = new AsyncQueue<number>();
    used = new AsyncQueue<number>();
    void run(message);
  }
});

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function run(message: Extract<ToWorker, { readonly type: 'job' | 'read' }>): Promise<void> {
  try {
    if (message.type === 'job') send({ type: 'done', result: await unpack(message.job) });
    else send({ type: 'read', result: await readBack(message.job) });
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  }
}

function checkpointOf(job: { readonly stop: SharedArrayBuffer }): () => void {
  const stop = new Int32Array(job.stop);
  return () => {
    if (Atomics.load(stop, 0) !== 0) throw new EngineError('cancelled', 'cancelled');
  };
}

async function readBack(job: ReadJob): Promise<ReadResult> {
  const checkpoint = checkpointOf(job);
  const hash = createHash('sha256');
  let tarBytes = 0;
  let ahead = 0;
  using reader = new RecipeReader(job.files, job.diffDirectory);
  for (const chunk of reader.chunks()) {
    checkpoint();
    hash.update(chunk);
    tarBytes += chunk.length;
    ahead += chunk.length;
    send({ type: 'part', bytes: chunk }, [chunk.buffer]);
    while (ahead > aheadBytes) ahead -= (await used.next()).value ?? 0;
  }
  return { diffId: `sha256:${hash.digest('hex')}`, tarBytes };
}

async function unpack(job: UnpackJob): Promise<UnpackResult> {
  const checkpoint = checkpointOf(job);
  const budget = new UnpackBudget(job.place, () => diskSpaceOf(job.diffDirectory));
  const recipe = new RecipeWriter(job.files, (bytes) => {
    budget.countBytes(bytes);
  });
  const writer = new DiffWriter({
    root: job.diffDirectory,
    alias: job.alias,
    whiteoutForm: job.whiteoutForm,
    xattrPrefix: job.xattrPrefix,
    attributes,
    identity,
    umask: readUmask(),
    budget,
    recipe,
    checkpoint,
  });
  const reader = new TarReader(writer);
  let reported = 0;
  try {
    const digests = await readBlob({
      chunks: chunksOf(job),
      hashBlob: job.hashBlob,
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
    recipe.finish();
    return { ...digests, entries: budget.entries, rootSeen: writer.rootSeen };
  } finally {
    writer.abandon();
    recipe.close();
  }
}

function chunksOf({ path, inode }: UnpackJob): AsyncIterable<Buffer> {
  if (path === undefined) return received(chunks);
  return inode === undefined ? fileChunks(path) : growingChunks(path, inode, sizes);
}

/** Of a file that the main thread writes; each piece is used up when the next is asked for. */
async function* growingChunks(path: string, inode: number, sizesSoFar: AsyncIterable<number>): AsyncGenerator<Buffer> {
  const descriptor = openSync(path, 'r');
  try {
    // Whoever gave up has closed it, and another file may have got its number.
    if (fstatSync(descriptor).ino !== inode) throw new EngineError('cancelled', 'cancelled');
    const chunk = Buffer.allocUnsafeSlow(readBytes);
    let position = 0;
    for await (const size of sizesSoFar) {
      while (position < size) {
        const length = readSync(descriptor, chunk, 0, Math.min(readBytes, size - position), position);
        if (length === 0) throw new EngineError('corrupt', 'its download was cut while it was read');
        position += length;
        yield chunk.subarray(0, length);
      }
    }
  } finally {
    closeSync(descriptor);
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
