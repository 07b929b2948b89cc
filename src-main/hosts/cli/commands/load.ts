import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asyncDisposable } from '../../../base/disposable.ts';
import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';

interface Archive extends AsyncDisposable {
  readonly path: string;
}

/** An archive is read more than once, a pipe cannot be: it goes into a file that is gone afterwards. Podman keeps such files in /var/tmp too. */
async function spoolInput(context: Context): Promise<Archive> {
  if (process.stdin.isTTY)
    throw new EngineError('invalid-argument', 'cannot read from terminal. Use command-line redirection or the --input flag');
  const folder = await mkdtemp(join(process.env.TMPDIR === undefined ? '/var/tmp' : tmpdir(), 'selkie-load-'));
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

export const load = command({
  name: 'load',
  usage: '[options]',
  description: 'Load images from an archive (docker-archive, OCI archive) or an OCI layout folder.',
  examples: ['load -i alpine.tar', 'load < alpine.tar.gz'],
  flags: flagTable({
    input: { kind: 'string', short: 'i', word: 'path', help: 'Archive or folder; without it stdin' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    await using spooled = flags.input === undefined ? await spoolInput(context) : undefined;
    const path = spooled?.path ?? resolve(context.workingDirectory, flags.input ?? '');
    const display = progressDisplay({ quiet: flags.quiet === true });
    for await (const item of api.image.load({ path }, { signal: context.signal })) {
      if (item.kind === 'progress') await display.show(item.progress);
      else {
        await display.finish();
        await print(`Loaded image: ${item.name === '' ? `sha256:${item.id}` : item.name}\n`);
      }
    }
    return 0;
  },
});
