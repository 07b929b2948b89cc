/** Files that lie on the disk of the store while they are needed, under no name: gone with this process, however that ends. */
import { unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import { toEngineError } from '../../system/errno.ts';
import type { ImageContext } from './context.ts';

/** For reading and writing. Errors: `disk-full`, `denied` … */
export async function makeNamelessFile(folder: string, kind: string): Promise<FileHandle> {
  const path = join(folder, `${kind}-${String(process.pid)}-${String(process.hrtime.bigint())}`);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx+', 0o600);
    unlinkSync(path);
    return file;
  } catch (error) {
    await file?.close();
    throw toEngineError(error, 'make', path);
  }
}

/** How this process opens it again. */
export function pathOfOpen(file: FileHandle): string {
  return `/proc/self/fd/${String(file.fd)}`;
}

/** What somebody sends, as a file. Disposing it leaves nothing. */
export interface ReceivedFile extends AsyncDisposable {
  /** Valid in this process. */
  readonly path: string;
}

export interface ReceiveOptions {
  /** What was announced; neither more nor less is taken. */
  readonly sizeBytes: number;
  /** For messages: what the sender calls it. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** So many are written down. */
  readonly onBytes: (bytes: number) => void;
}

/** Errors: `corrupt` when it ends too early or too late, `disk-full`, `cancelled`. */
export async function receiveFile(
  context: ImageContext,
  chunks: AsyncIterable<Uint8Array>,
  { sizeBytes, name, signal, onBytes }: ReceiveOptions,
): Promise<ReceivedFile> {
  const { directory } = context.downloads;
  context.system.files.ensureDirectory(directory, 0o700);
  const file = await makeNamelessFile(directory, 'sent');
  try {
    let received = 0;
    for await (const chunk of chunks) {
      throwIfAborted(signal);
      if (received + chunk.length > sizeBytes) throw notWhole(name, `more than the ${String(sizeBytes)} bytes that were announced came`);
      for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, received + done)).bytesWritten;
      received += chunk.length;
      onBytes(received);
    }
    // Who went away ends the chunks, too.
    throwIfAborted(signal);
    if (received < sizeBytes) throw notWhole(name, `only ${String(received)} of ${String(sizeBytes)} bytes came`);
    return { path: pathOfOpen(file), [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw isEngineError(error) ? error : toEngineError(error, 'write', `${name} in ${directory}`);
  }
}

function notWhole(name: string, why: string): EngineError {
  return new EngineError('corrupt', `${name} was not received whole: ${why}`, { fix: 'Send it again; it must not be changed meanwhile.' });
}
