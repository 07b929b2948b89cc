import { once } from 'node:events';
import { createWriteStream, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { EngineError, messageOf } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { write } from '../output/print.ts';

export const exportCommand = command({
  name: 'export',
  usage: '[options] CONTAINER',
  description: "Write a container's whole file system as a tar archive.",
  examples: ['export web > web.tar', 'export --output web.tar web'],
  flags: flagTable({
    output: { kind: 'string', short: 'o', word: 'path', help: 'Write to this file instead of stdout' },
  }),
  arguments: [1, 1],
  async run({ flags, positionals: [container = ''] }, context) {
    if (flags.output?.includes(':') === true)
      throw new EngineError('invalid-argument', `invalid filename (should not contain ':') ${JSON.stringify(flags.output)}`);
    if (flags.output === undefined && process.stdout.isTTY)
      throw new EngineError('invalid-argument', 'refusing to export to terminal. Use -o flag or redirect');
    const api = await context.engine();
    const chunks = api.container.export({ container }, { signal: context.signal });
    if (flags.output === undefined) for await (const chunk of chunks) await write('stdout', chunk);
    else await writeFile(resolve(context.workingDirectory, flags.output), chunks);
    return 0;
  },
});

/** What could not be finished is taken away, unless it is no file. */
async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  // An unknown container leaves the file as it was.
  const first = await iterator.next();
  const file = createWriteStream(path, { mode: 0o644 });
  try {
    await once(file, 'open');
  } catch (error) {
    await iterator.return?.();
    throw new EngineError('invalid-argument', `creating file ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error });
  }
  try {
    for (let next = first; next.done !== true; next = await iterator.next()) if (!file.write(next.value)) await once(file, 'drain');
    file.end();
    await finished(file);
  } catch (error) {
    await iterator.return?.();
    file.destroy();
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) rmSync(path, { force: true });
    throw error;
  }
}
