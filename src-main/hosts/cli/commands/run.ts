import { parseAttach } from '../attach-options.ts';
import { attachTo, awaitRemoval, removeFailed } from '../attached-run.ts';
import { command } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { containerFlags, runOnlyFlags, unsupportedContainerFlags } from '../options/container-flags.ts';
import { flagTable } from '../options/flags.ts';
import { print, WarningPrinter, warn } from '../output/print.ts';

export const run = command({
  name: 'run',
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Make a container from an image and start it. Its exit status is ours; 125, 126 and 127 say why it could not start.',
  examples: ['run -it --rm alpine sh', 'run -d --name web -p 8080:80 nginx', 'run --rm -v ./data:/data alpine ls /data'],
  flags: flagTable({ ...containerFlags, ...runOnlyFlags }),
  unsupported: unsupportedContainerFlags,
  interspersed: false,
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    const streams = parseAttach(flags.attach, flags.interactive === true);
    const api = await context.engine({ watchExits: flags.detach !== true });
    if (flags.detach !== true && flags.tty === true && flags.interactive === true && !process.stdin.isTTY)
      await warn('Warning: the input device is not a TTY: --tty and --interactive might not work as expected');
    const warnings = new WarningPrinter(context.globals.logLevel);
    const created = await createContainer(flags, positionals, context, warnings);
    try {
      if (flags.detach === true) {
        const started = await api.container.start({ container: created.id }, { signal: context.signal });
        await warnings.print(started.warnings);
        await print(`${created.id}\n`);
        return 0;
      }
      const status = await attachTo(
        api,
        {
          ...streams,
          container: created.id,
          tty: flags.tty === true,
          start: true,
          sigProxy: flags['sig-proxy'] !== false,
          detachKeys: flags['detach-keys'],
        },
        context,
      );
      if (flags.rm === true && status !== undefined) await awaitRemoval(api, created.id, context);
      return status ?? 0;
    } catch (error) {
      if (flags.rm === true) await removeFailed(api, created.id);
      throw error;
    }
  },
});
