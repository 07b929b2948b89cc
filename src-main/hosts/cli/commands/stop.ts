import { isEngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { forEachTarget, resolveTargets, targetFlags } from '../targets.ts';

export const stop = command({
  name: 'stop',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Stop containers: the stop signal, and after a time SIGKILL.',
  examples: ['stop web', 'stop --time 2 web db', 'stop --all'],
  flags: flagTable({
    ...targetFlags,
    ignore: { kind: 'bool', short: 'i', help: 'No error for a container that does not exist' },
    time: { kind: 'uint', short: 't', word: 'seconds', help: 'Seconds from the stop signal to SIGKILL', default: '10' },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const targets = await resolveTargets(api, flags, positionals, ['running', 'stopping']);
    const timeoutSeconds = flags.time;
    return forEachTarget({ targets, context, ignore: (error) => flags.ignore === true && isEngineError(error, 'not-found') }, (container) =>
      api.container.stop({ container, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) }, { signal: context.signal }),
    );
  },
});
