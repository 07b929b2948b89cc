/** Where a tar of files comes from: a file, or the web; plain or compressed. */
import { constants, createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError, isEngineError, messageOf, throwIfAborted } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import type { ImageContext } from './context.ts';
import { openDownload } from './import-download.ts';

export interface Tarball extends AsyncDisposable {
  /** Uncompressed. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

type Source = { readonly path: string } | { readonly url: string };
type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

const chunkBytes = 1 << 20;
const magics: readonly (readonly [Compression, string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
];

/** Errors: `not-found`, `invalid-argument`, `unavailable`, `corrupt`, `missing-tool` (xz and bzip2 need their programs). */
export async function openTarball(context: ImageContext, source: Source, signal: AbortSignal | undefined): Promise<Tarball> {
  throwIfAborted(signal);
  const shown = 'url' in source ? source.url : source.path;
  const raw = 'url' in source ? await openDownload(context, source.url, signal) : await openFile(source.path);
  const dispose = (): Promise<void> => {
    raw.destroy();
    return Promise.resolve();
  };
  try {
    const iterator = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    const { head, chunks } = await peek(iterator);
    const compression = magics.find(([, magic]) => head.toString('hex').startsWith(magic))?.[0];
    return { chunks: compression === undefined ? chunks : decompress(context, chunks, compression, shown), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw isEngineError(error) ? error : toEngineError(error, 'read', shown);
  }
}

async function openFile(path: string): Promise<Readable> {
  if (!isAbsolute(path)) throw new EngineError('invalid-argument', `${path} is not an absolute path`, { details: { field: 'source' } });
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw toEngineError(error, 'open', path);
  });
  if ((await file.stat()).isFile()) return createReadStream(path, { fd: file, highWaterMark: chunkBytes });
  await file.close();
  throw new EngineError('invalid-argument', `${path} is not a file`, { details: { field: 'source' } });
}

/** The first bytes, and all of them again. */
async function peek(iterator: AsyncIterator<Uint8Array>): Promise<{ readonly head: Buffer; readonly chunks: AsyncIterable<Uint8Array> }> {
  const taken: Uint8Array[] = [];
  for (let length = 0; length < 8; ) {
    const next = await iterator.next();
    if (next.done === true) break;
    taken.push(next.value);
    length += next.value.length;
  }
  const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => iterator };
  return {
    head: Buffer.concat(taken).subarray(0, 8),
    chunks: (async function* () {
      yield* taken;
      yield* rest;
    })(),
  };
}

async function* decompress(
  context: ImageContext,
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  shown: string,
): AsyncGenerator<Uint8Array> {
  if (compression === 'xz' || compression === 'bzip2') {
    yield* throughProgram(context, chunks, compression, shown);
    return;
  }
  const unzip = compression === 'gzip' ? createGunzip({ chunkSize: chunkBytes }) : createZstdDecompress({ chunkSize: chunkBytes });
  const source = Readable.from(chunks, { objectMode: false });
  source.on('error', (error) => unzip.destroy(error));
  try {
    for await (const chunk of source.pipe(unzip)) yield chunk as Uint8Array;
  } catch (error) {
    if (isEngineError(error)) throw error;
    throw new EngineError('corrupt', `${shown} is not a whole ${compression} file: ${messageOf(error)}`, { cause: error });
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

/** Node has no decoder for these. */
async function* throughProgram(
  context: ImageContext,
  chunks: AsyncIterable<Uint8Array>,
  program: 'xz' | 'bzip2',
  shown: string,
): AsyncGenerator<Uint8Array> {
  const path = context.system.processes.find(program);
  if (path === undefined)
    throw new EngineError('missing-tool', `${shown} is compressed by ${program}, which is not installed`, {
      fix: `install ${program === 'xz' ? 'xz-utils' : 'bzip2'}, or decompress it first`,
      details: { tool: program },
    });
  const child = context.system.processes.spawn(path, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const { 0: input, 1: output, 2: errors } = child.pipes;
  if (!input || !output || !errors) throw new EngineError('internal', `${program} has no pipes`);
  let complaint = '';
  errors.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  let failure: Error | undefined;
  const source = Readable.from(chunks, { objectMode: false });
  source.on('error', (error) => {
    failure = error;
    input.end();
  });
  // It ended early: its status tells why.
  input.on('error', () => undefined);
  source.pipe(input);
  try {
    for await (const chunk of output) yield chunk as Uint8Array;
    const { code } = await child.exited;
    if (failure) throw failure;
    if (code !== 0)
      throw new EngineError('corrupt', `${shown} is not a whole ${program} file: ${complaint.trim() || `status ${String(code)}`}`);
  } finally {
    source.destroy();
    context.system.processes.signal(child.pid, 'SIGKILL');
    await child.exited;
  }
}
