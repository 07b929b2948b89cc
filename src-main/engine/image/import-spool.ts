import { createHash } from 'node:crypto';
import { isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { toEngineError } from '../../system/errno.ts';
import type { ImageContext } from './context.ts';
import { makeNamelessFile, pathOfOpen } from './nameless-file.ts';

/** An archive that lies on the disk of the store until it is disposed; it has no name, and is gone with this process. */
export interface SpooledTar extends AsyncDisposable {
  /** Valid in this process. */
  readonly path: string;
  readonly diffId: Digest;
  readonly sizeBytes: number;
}

/**
 * What a layer will be called is known only when all of it was seen; so it is written down first. Blocks of zeros become holes.
 */
export async function spoolTar(
  context: ImageContext,
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly signal: AbortSignal | undefined; readonly onBytes?: (bytes: number) => void },
): Promise<SpooledTar> {
  const { directory } = context.downloads;
  context.system.files.ensureDirectory(directory, 0o700);
  const file = await makeNamelessFile(directory, 'layer');
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of chunks) {
      throwIfAborted(options.signal);
      hash.update(chunk);
      if (!isZero(chunk))
        for (let done = 0; done < chunk.length; )
          done += (await file.write(chunk, done, chunk.length - done, sizeBytes + done)).bytesWritten;
      sizeBytes += chunk.length;
      options.onBytes?.(sizeBytes);
    }
    await file.truncate(sizeBytes);
    const diffId = `sha256:${hash.digest('hex')}` as Digest;
    return { path: pathOfOpen(file), diffId, sizeBytes, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw isEngineError(error) ? error : toEngineError(error, 'write', `the new layer in ${directory}`);
  }
}

const zeros = Buffer.alloc(2 << 20);

function isZero(chunk: Uint8Array): boolean {
  return chunk.length >= 4096 && chunk.length <= zeros.length && zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0;
}
