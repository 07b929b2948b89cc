import { resolve } from 'node:path';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print, warn } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';
import { spoolInput } from '../spool-input.ts';

export const importCommand = command({
  name: 'import',
  usage: '[options] PATH [REFERENCE]',
  description:
    'Make an image of one layer from a tar of files: a file, an http or https address, or - for stdin; plain or compressed by gzip, zstd, xz or bzip2.',
  examples: [
    'import web.tar localhost/web',
    'import --change CMD=/bin/sh https://example.com/root.tar.xz',
    'selkie export web | selkie import -',
  ],
  flags: flagTable({
    arch: { kind: 'string', help: "Architecture of the image, instead of the machine's" },
    change: {
      kind: 'array',
      short: 'c',
      word: 'instruction',
      help: 'Instruction of a Containerfile for the configuration: CMD, ENV, LABEL …',
    },
    message: { kind: 'string', short: 'm', help: "Message in the image's history" },
    os: { kind: 'string', help: 'Operating system of the image, instead of linux' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    variant: { kind: 'string', help: "Variant of the image's architecture" },
  }),
  arguments: [1, 2],
  async run({ flags, positionals: [source = '', reference] }, context) {
    const isUrl = /^https?:\/\//i.test(source);
    const api = await context.engine();
    await using spooled = source === '-' ? await spoolInput(context, 'import') : undefined;
    if (isUrl && flags.quiet !== true) await warn(`Downloading from ${JSON.stringify(source)}`);
    const display = progressDisplay({ quiet: flags.quiet === true });
    const items = api.image.import(
      {
        ...(isUrl ? { url: source } : { path: spooled?.path ?? resolve(context.workingDirectory, source) }),
        ...(spooled ? { shownAs: 'stdin' } : {}),
        changes: [...flags.change],
        ...(reference === undefined ? {} : { reference }),
        ...(flags.message === undefined ? {} : { message: flags.message }),
        ...(flags.os === undefined ? {} : { os: flags.os }),
        ...(flags.arch === undefined ? {} : { architecture: flags.arch }),
        ...(flags.variant === undefined ? {} : { variant: flags.variant }),
      },
      { signal: context.signal },
    );
    for await (const item of items) {
      if (item.kind === 'progress') await display.show(item.progress);
      else {
        await display.finish();
        await print(`sha256:${item.id}\n`);
      }
    }
    return 0;
  },
});
