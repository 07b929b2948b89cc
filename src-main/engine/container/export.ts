import { statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import { writeTreeTar } from '../tree/tree.ts';
import type { Room } from './room.ts';

/** The whole tree as it is now, running or not, without what is mounted into it. */
export async function* exportContainer(room: Room, nameOrId: string, signal: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>> {
  const { id, name, config } = room.state.containers.resolve(nameOrId);
  await using held = await room.trees.hold(id);
  yield* writeTreeTar(held.path, { attributes: room.system.attributes, signal, owners: config.userNamespace });
  const now = room.state.containers.find(id);
  if (!now || now.state === 'removing')
    throw new EngineError('wrong-state', `container ${name} (${id.slice(0, 12)}) was removed while it was being exported`);
}

const reportedBytes = 4 * 1024 * 1024;
let serial = 0;

/**
 * Into a file, visible when it is whole; one that is there is replaced then, and kept when it fails. Errors: `invalid-argument`, `not-found`
 * and `denied` for the path, `already-exists` for anything there but a file, `disk-full`.
 */
export async function* exportContainerFile(
  room: Room,
  nameOrId: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<{ readonly writtenBytes: number; readonly done: boolean }> {
  checkPath(path);
  // An unknown container makes no file.
  room.state.containers.resolve(nameOrId);
  serial += 1;
  const partial = join(dirname(path), `.${basename(path)}.${String(process.pid)}-${String(serial)}`);
  const file = await writing(path, () => open(partial, 'wx', 0o666));
  let writtenBytes = 0;
  let finished = false;
  try {
    let reported = 0;
    for await (const chunk of exportContainer(room, nameOrId, signal)) {
      await writing(path, () => writeAll(file, chunk));
      writtenBytes += chunk.length;
      if (writtenBytes - reported < reportedBytes) continue;
      reported = writtenBytes;
      yield { writtenBytes, done: false };
    }
    await writing(path, async () => {
      await file.sync();
      await rename(partial, path);
    });
    finished = true;
  } finally {
    await file.close();
    if (!finished) await rm(partial, { force: true });
  }
  yield { writtenBytes, done: true };
}

function checkPath(path: string): void {
  const details = { field: 'path' };
  if (!isAbsolute(path)) throw new EngineError('invalid-argument', `${path} is not an absolute path`, { details });
  if (!isFileOrNothing(path))
    throw new EngineError('already-exists', `${path} is there and is no file`, { fix: 'Give the path of a file.', details });
}

function isFileOrNothing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
}

async function writing<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}
