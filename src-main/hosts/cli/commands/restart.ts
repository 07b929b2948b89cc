import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { forEachTarget, resolveTargets, targetFlags } from '../targets.ts';

export const restart = command({
  name: 'restart',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Stop containers and start them again.',
  examples: ['restart web', 'restart --running'],
  flags: flagTable({
    ...targetFlags,
    running: { kind: 'bool', help: 'All running containers' },
    time: { kind: 'uint', short: 't', word: 'seconds', help: 'Seconds from the stop signal to SIGKILL', default: '10' },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const running = flags.running === true && positionals.length === 0;
    const targets = await resolveTargets(api, running ? { all: true } : flags, positionals, running ? ['running'] : undefined);
    const timeoutSeconds = flags.time;
    return forEachTarget({ targets, context }, (container) =>
      api.container.restart({ container, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) }, { signal: context.signal }),
    );
  },
});
