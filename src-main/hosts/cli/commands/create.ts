import { command } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { containerFlags, unsupportedContainerFlags } from '../options/container-flags.ts';
import { print, WarningPrinter } from '../output/print.ts';

export const create = command({
  name: 'create',
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Make a container from an image without starting it, and print its id.',
  examples: ['create --name web -p 8080:80 nginx', 'create alpine sleep 60'],
  flags: containerFlags,
  unsupported: unsupportedContainerFlags,
  interspersed: false,
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    const created = await createContainer(flags, positionals, context, new WarningPrinter(context.globals.logLevel));
    await print(`${created.id}\n`);
    return 0;
  },
});
