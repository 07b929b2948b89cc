/** A layer's tar, put together of its tar-split data and its files. Reads only, whatever the tree has become since. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import { Checksum } from './checksum.ts';
import { type TarPart, readTarSplit } from './tar-split.ts';

export interface LayerFiles {
  /** With the layer's files, by their names in the tar. */
  readonly directory: string;
  readonly tarSplit: string;
}

type Attributes = Pick<System['attributes'], 'openInRoot'>;
type FilePart = Extract<TarPart, { readonly kind: 'file' }>;

const batchBytes = 1 << 20;
// A fifo that took a file's place does not keep us waiting.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** In pieces of a megabyte. It is right only if its digest is. Errors: `corrupt`, which names the file; those of {@link readTarSplit}. */
export async function* layerTar(attributes: Attributes, { directory, tarSplit }: LayerFiles): AsyncGenerator<Buffer> {
  const batch = new Batch();
  for await (const part of readTarSplit(tarSplit)) {
    const pieces = part.kind === 'bytes' ? batch.add(part.bytes) : fileContent(attributes, directory, part, batch);
    for (const piece of pieces) {
      yield piece;
      // The engine has others to serve.
      await turn();
    }
  }
  const rest = batch.take();
  if (rest.length > 0) yield rest;
}

/** What is not as it was when the layer was unpacked; undefined when all files are. */
export async function findChange(
  attributes: Attributes,
  { directory, tarSplit }: LayerFiles,
  signal: AbortSignal | undefined,
): Promise<EngineError | undefined> {
  const batch = new Batch();
  try {
    for await (const part of readTarSplit(tarSplit)) {
      if (part.kind === 'bytes') continue;
      const checksum = new Checksum();
      for (const piece of fileContent(attributes, directory, part, batch)) {
        checksum.update(piece);
        await turn();
        throwIfAborted(signal);
      }
      checksum.update(batch.drain());
      if (!checksum.digest().equals(part.checksum)) return new EngineError('corrupt', `the file ${shown(part.name)} in it was changed`);
    }
  } catch (error) {
    if (isEngineError(error, 'corrupt')) return error;
    throw error;
  }
  return new EngineError('corrupt', 'its tar-split data was changed, so that its archive cannot be put together again');
}

class Batch {
  #buffer = Buffer.allocUnsafe(batchBytes);
  #filled = 0;

  /** Room for at least one byte. */
  get room(): Buffer {
    return this.#buffer.subarray(this.#filled);
  }

  /** So many bytes of the room were written. Answers the batch when it is full. */
  *fill(bytes: number): Generator<Buffer> {
    this.#filled += bytes;
    if (this.#filled === batchBytes) yield this.take();
  }

  *add(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.copy(this.room, 0, at);
      at += size;
      yield* this.fill(size);
    }
  }

  /** What is in it, which the caller may keep. */
  take(): Buffer {
    const taken = this.drain();
    this.#buffer = Buffer.allocUnsafe(batchBytes);
    return taken;
  }

  /** The same, good until something is added. */
  drain(): Buffer {
    const taken = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    return taken;
  }
}

function* fileContent(attributes: Attributes, directory: string, { name, sizeBytes }: FilePart, batch: Batch): Generator<Buffer> {
  const fd = openFile(attributes, directory, name);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new EngineError('corrupt', `${shown(name)} in it is no file any more`);
    if (stats.size !== sizeBytes)
      throw new EngineError(
        'corrupt',
        `the file ${shown(name)} in it was changed: it has ${String(stats.size)} bytes instead of ${String(sizeBytes)}`,
      );
    for (let left = sizeBytes; left > 0; ) {
      const { room } = batch;
      const size = withErrno('read', shown(name), () => readSync(fd, room, 0, Math.min(left, room.length), null));
      if (size === 0) throw new EngineError('corrupt', `the file ${shown(name)} in it was changed while it was read`);
      left -= size;
      yield* batch.fill(size);
    }
  } finally {
    closeSync(fd);
  }
}

/** Links on the way lead where they led in the container that the layer was unpacked for, never out of the layer. */
function openFile(attributes: Attributes, directory: string, name: Buffer): number {
  try {
    return isUtf8(name) ? attributes.openInRoot(directory, name.toString('utf8'), flags) : openByBytes(directory, name);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const errno = String(error.details['errno']);
    if (['ENOENT', 'ENOTDIR'].includes(errno))
      throw new EngineError('corrupt', `the file ${shown(name)} in it is missing`, { cause: error });
    if (['ELOOP', 'ENXIO', 'EISDIR'].includes(errno))
      throw new EngineError('corrupt', `${shown(name)} in it is no file any more`, { cause: error });
    throw new EngineError(error.code, `the file ${shown(name)} in it cannot be read: ${error.message}`, { cause: error });
  }
}

/** Names of calls by FFI are text; of node:fs they may be bytes. */
function openByBytes(directory: string, name: Buffer): number {
  const parts = splitName(name);
  let folder = withErrno('open', directory, () => openSync(directory, folderFlags));
  try {
    for (const [index, part] of parts.entries()) {
      const path = Buffer.concat([Buffer.from(`/proc/self/fd/${String(folder)}/`), part]);
      const next = withErrno('open', shown(name), () => openSync(path, index === parts.length - 1 ? flags : folderFlags));
      closeSync(folder);
      folder = next;
    }
    const opened = folder;
    folder = -1;
    return opened;
  } finally {
    if (folder >= 0) closeSync(folder);
  }
}

function splitName(name: Buffer): Buffer[] {
  // Each byte one character, and back.
  const parts = name
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.some((part) => part === '..' || part.includes('\0')))
    throw new EngineError('corrupt', `its tar-split data has the name ${shown(name)}`);
  return parts.map((part) => Buffer.from(part, 'latin1'));
}

function shown(name: Buffer): string {
  const text = name.toString('utf8');
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 157)}…` : text);
}
