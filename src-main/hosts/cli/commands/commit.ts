import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, messageOf } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';

export const commit = command({
  name: 'commit',
  usage: '[options] CONTAINER [IMAGE]',
  description: 'Make a new image of a container: its image with a layer of what has changed.',
  examples: ['commit web localhost/web:patched', 'commit --change \'CMD ["/bin/server"]\' --pause web', 'commit --squash web'],
  flags: flagTable({
    author: { kind: 'string', short: 'a', help: 'Author of the image' },
    change: {
      kind: 'array',
      short: 'c',
      word: 'instruction',
      help: 'Instruction of a Containerfile for the configuration: CMD, ENV, LABEL …',
    },
    format: { kind: 'string', short: 'f', help: 'oci or docker', default: 'oci' },
    iidfile: { kind: 'string', word: 'path', help: 'Write the id of the image into a file' },
    'include-volumes': { kind: 'bool', help: "The container's volumes become the image's" },
    message: { kind: 'string', short: 'm', help: 'Message of the commit (only with --format docker)' },
    pause: { kind: 'bool', short: 'p', help: 'Freeze the container meanwhile' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    squash: { kind: 'bool', short: 's', help: 'One layer with all that is in the container' },
  }),
  arguments: [1, 2],
  async run({ flags, positionals: [container = '', name] }, context) {
    const format = flags.format ?? 'oci';
    if (format !== 'oci' && format !== 'docker')
      throw new EngineError('invalid-argument', `unrecognized image format ${JSON.stringify(format)}`);
    const api = await context.engine();
    const display = progressDisplay({ quiet: flags.quiet === true });
    const items = api.container.commit(
      {
        ...{ container, changes: [...flags.change], format },
        ...(name === undefined ? {} : { name }),
        ...(flags.author === undefined ? {} : { author: flags.author }),
        ...(flags.message === undefined ? {} : { message: flags.message }),
        pause: flags.pause === true,
        squash: flags.squash === true,
        includeVolumes: flags['include-volumes'] === true,
      },
      { signal: context.signal },
    );
    for await (const item of items) {
      if (item.kind === 'progress') await display.show(item.progress);
      else {
        await display.finish();
        if (flags.iidfile !== undefined) writeId(resolve(context.workingDirectory, flags.iidfile), item.id);
        await print(`${item.id}\n`);
      }
    }
    return 0;
  },
});

function writeId(path: string, id: string): void {
  try {
    writeFileSync(path, id, { mode: 0o644 });
  } catch (error) {
    throw new EngineError('invalid-argument', `failed to write image ID to file ${JSON.stringify(path)}: ${messageOf(error)}`, {
      cause: error,
      fix: `the image was made: its id is ${id}`,
    });
  }
}
