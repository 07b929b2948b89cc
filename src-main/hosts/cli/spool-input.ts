/** What comes on stdin, as a file. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asyncDisposable } from '../../base/disposable.ts';
import { EngineError } from '../../base/errors.ts';
import type { Context } from './context.ts';

export interface SpooledInput extends AsyncDisposable {
  readonly path: string;
}

/** An archive is read more than once, a pipe cannot be: it goes into a file that is gone afterwards. Podman keeps such files in /var/tmp too. */
export async function spoolInput(context: Context, command: string, hint = ''): Promise<SpooledInput> {
  if (process.stdin.isTTY) throw new EngineError('invalid-argument', `cannot read from terminal. Use command-line redirection${hint}`);
  const folder = await mkdtemp(join(process.env.TMPDIR === undefined ? '/var/tmp' : tmpdir(), `selkie-${command}-`));
  const remove = asyncDisposable(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'archive');
  try {
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal: context.signal });
  } catch (error) {
    await remove[Symbol.asyncDispose]();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: () => remove[Symbol.asyncDispose]() };
}
