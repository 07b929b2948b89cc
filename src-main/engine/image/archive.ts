/** What images are loaded from: a tar, plain or compressed, or a folder. All look alike: members by their path. */
import { closeSync, constants, fstatSync, openSync, read, readSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { asyncDisposable } from '../../base/disposable.ts';
import { EngineError, isCancelled, isEngineError, messageOf } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';
import { makeNamelessFile } from './nameless-file.ts';
import { memberKey, openTar } from './tar-index.ts';

export interface MemberReader {
  readonly sizeBytes: number;
  /** All of it; `limit-exceeded` when it is larger than a document may be. */
  bytes(): Buffer;
  stream(): Readable;
}

export interface Archive extends AsyncDisposable {
  readonly path: string;
  readonly isFolder: boolean;
  find(path: string): MemberReader | undefined;
}

const largestDocumentBytes = 16 * 1024 * 1024;
const chunkBytes = 1 << 20;
const readAt = promisify(read);

function memberAt(fd: number, start: number, end: number): MemberReader {
  return {
    sizeBytes: end - start,
    bytes() {
      const size = end - start;
      if (size > largestDocumentBytes)
        throw new EngineError('limit-exceeded', `a document in the archive is larger than ${String(largestDocumentBytes)} bytes`);
      const buffer = Buffer.alloc(size);
      for (let done = 0; done < size; ) {
        const read = readSync(fd, buffer, done, size - done, start + done);
        if (read === 0) throw new EngineError('corrupt', 'the archive is truncated');
        done += read;
      }
      return buffer;
    },
    stream: () => Readable.from(chunksOf(fd, start, end), { objectMode: false, highWaterMark: chunkBytes }),
  };
}

/** Not a file stream: whoever destroys one closes the archive's descriptor, which the other members still need. */
export async function* chunksOf(fd: number, start: number, end: number): AsyncGenerator<Buffer<ArrayBuffer>> {
  for (let position = start; position < end; ) {
    const wanted = Math.min(chunkBytes, end - position);
    const buffer = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await readAt(fd, buffer, 0, wanted, position);
    if (bytesRead === 0) throw new EngineError('corrupt', 'the archive is truncated');
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

type Compression = 'none' | 'gzip' | 'zstd';

function compressionOf(head: Buffer, path: string): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  const named =
    head.subarray(0, 3).toString('latin1') === 'BZh' ? 'bzip2' : head.subarray(1, 5).toString('latin1') === '7zXZ' ? 'xz' : undefined;
  if (named !== undefined)
    throw new EngineError('unsupported', `${path} is compressed by ${named}; gzip and zstd are possible`, {
      fix: `Decompress it first (${named === 'xz' ? 'unxz' : 'bunzip2'}).`,
    });
  return 'none';
}

/** Decompresses into a file without a name. */
async function spool(
  source: FileHandle,
  path: string,
  compression: 'gzip' | 'zstd',
  folder: string,
  signal: AbortSignal | undefined,
): Promise<FileHandle> {
  const target = await makeNamelessFile(folder, 'load');
  try {
    const decompress = compression === 'gzip' ? createGunzip({ chunkSize: chunkBytes }) : createZstdDecompress({ chunkSize: chunkBytes });
    // Not the handles' own streams: those that do not close their file do not end a pipeline either.
    await pipeline(
      chunksOf(source.fd, 0, (await source.stat()).size),
      decompress,
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          for (let done = 0; done < chunk.length; ) done += (await target.write(chunk, done)).bytesWritten;
        }
      },
      signal === undefined ? {} : { signal },
    );
    return target;
  } catch (error) {
    await target.close();
    if (isCancelled(error)) throw new EngineError('cancelled', 'cancelled', { cause: error });
    const errno = errnoOf(error);
    if (errno === 'ENOSPC' || errno === 'EDQUOT') throw toEngineError(error, 'decompress', path);
    throw new EngineError('corrupt', `${path} is not a whole ${compression} file: ${messageOf(error)}`, { cause: error });
  }
}

function openFolder(path: string): Archive {
  const fds: number[] = [];
  return {
    path,
    isFolder: true,
    find(member) {
      let fd: number;
      try {
        // A fifo would wait for ever, a device is not a document.
        fd = openSync(join(path, memberKey(member)), constants.O_RDONLY | constants.O_NONBLOCK);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
        throw toEngineError(error, 'open', join(path, member));
      }
      fds.push(fd);
      const stat = fstatSync(fd);
      return stat.isFile() ? memberAt(fd, 0, stat.size) : undefined;
    },
    ...asyncDisposable(() => {
      for (const fd of fds) closeSync(fd);
      return Promise.resolve();
    }),
  };
}

function toLoadError(error: unknown, path: string): unknown {
  if (!isEngineError(error, 'corrupt')) return isEngineError(error) ? error.within(`cannot load ${path}`) : error;
  return new EngineError('corrupt', `cannot load ${path}: it is no archive of images, or a damaged one: ${error.message}`, {
    fix: error.fix ?? 'Give an archive made by docker save, podman save or skopeo; if it is one, fetch or make it again.',
    details: error.details,
    cause: error,
  });
}

export interface OpenArchiveOptions {
  /** Where it is decompressed. */
  readonly spoolFolder: string;
  /** In messages, when the path means nothing to a person. */
  readonly shownAs?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Errors: `invalid-argument`, `not-found`, `corrupt`, `unsupported`, `disk-full`, `cancelled`. */
export async function openArchive(path: string, { spoolFolder, shownAs = path, signal }: OpenArchiveOptions): Promise<Archive> {
  if (!isAbsolute(path)) throw new EngineError('invalid-argument', `${path} is not an absolute path`, { details: { field: 'path' } });
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw toEngineError(error, 'load', path);
  }
  if (isFolder) return openFolder(path);
  let file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw toEngineError(error, 'load', path);
  });
  try {
    if (!(await file.stat()).isFile()) throw new EngineError('invalid-argument', `${path} is neither a file nor a folder`);
    const head = Buffer.alloc(8);
    const { bytesRead } = await file.read(head, 0, 8, 0);
    const compression = compressionOf(head.subarray(0, bytesRead), shownAs);
    if (compression !== 'none') {
      const compressed = file;
      file = await spool(compressed, shownAs, compression, spoolFolder, signal);
      await compressed.close();
    }
    const { fd } = file;
    const size = (await file.stat()).size;
    const find = openTar(fd, size, (start, end) => memberAt(fd, start, end));
    return { path: shownAs, isFolder: false, find, ...asyncDisposable(() => file.close()) };
  } catch (error) {
    await file.close();
    throw toLoadError(error, shownAs);
  }
}
