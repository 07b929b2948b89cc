import { EngineError } from '../../../base/errors.ts';
import { attachTo } from '../attached-run.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { WarningPrinter } from '../output/print.ts';
import { forEachTarget, resolveTargets, targetFlags } from '../targets.ts';

const { all, latest, filter } = targetFlags;

export const start = command({
  name: 'start',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Start containers that are not running.',
  examples: ['start web', 'start --attach --interactive shell'],
  flags: flagTable({
    // Podman has no short form here: -a is --attach.
    all: { kind: all.kind, help: all.help },
    attach: { kind: 'bool', short: 'a', help: 'Show its output, and take its exit status' },
    'detach-keys': { kind: 'string', help: 'Key sequence that detaches from the container', default: 'ctrl-p,ctrl-q' },
    filter,
    interactive: { kind: 'bool', short: 'i', help: 'Pass stdin on to it' },
    latest,
    'sig-proxy': { kind: 'bool', help: 'Pass received signals on to the process', default: 'true when attached' },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const attached = flags.attach === true || flags.interactive === true;
    if (attached && positionals.length > 1)
      throw new EngineError('invalid-argument', 'you cannot start and attach multiple containers at once');
    const api = await context.engine({ watchExits: attached });
    const targets = await resolveTargets(api, flags, positionals, ['created', 'initialized', 'exited']);
    const [only] = targets;
    if (!attached || !only) {
      const warnings = new WarningPrinter(context.globals.logLevel);
      return forEachTarget({ targets, context }, async (container) => {
        const started = await api.container.start({ container }, { signal: context.signal });
        await warnings.print(started.warnings);
      });
    }
    const detail = await api.container.inspect({ container: only.reference });
    const status = await attachTo(
      api,
      {
        container: detail.id,
        tty: detail.config.tty,
        start: detail.state !== 'running',
        stdin: flags.interactive === true && detail.config.interactive,
        stdout: true,
        stderr: true,
        sigProxy: flags['sig-proxy'] !== false,
        detachKeys: flags['detach-keys'],
      },
      context,
    );
    return status ?? 0;
  },
});
