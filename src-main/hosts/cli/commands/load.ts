import { resolve } from 'node:path';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';
import { spoolInput } from '../spool-input.ts';

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
    await using spooled = flags.input === undefined ? await spoolInput(context, 'load', ' or the --input flag') : undefined;
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
