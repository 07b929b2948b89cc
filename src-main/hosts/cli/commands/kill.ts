import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { forEachTarget, resolveTargets, targetFlags } from '../targets.ts';

const { all, cidfile, latest } = targetFlags;

export const kill = command({
  name: 'kill',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Send a signal to the first process of running containers.',
  examples: ['kill web', 'kill --signal HUP web'],
  flags: flagTable({ all, cidfile, latest, signal: { kind: 'string', short: 's', help: 'Name or number of the signal', default: 'KILL' } }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const targets = await resolveTargets(api, flags, positionals, ['running', 'stopping']);
    const signal = flags.signal ?? 'KILL';
    return forEachTarget({ targets, context }, (container) => api.container.kill({ container, signal }));
  },
});
