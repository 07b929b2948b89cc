import { isEngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { trashFlags } from '../options/trash.ts';
import { forEachTarget, removalExitCode, resolveTargets, targetFlags } from '../targets.ts';

const { all, cidfile, latest, filter } = targetFlags;

export const rm = command({
  name: 'rm',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Remove containers. A running one is only removed with --force.',
  examples: ['rm web', 'rm --force --volumes web', 'rm --all'],
  flags: flagTable({
    all,
    cidfile,
    latest,
    // Podman has no short form here: -f is --force.
    filter: { kind: filter.kind, word: filter.word, help: filter.help },
    force: { kind: 'bool', short: 'f', help: 'Also when it runs; no error when there is none' },
    ignore: { kind: 'bool', short: 'i', help: 'No error for a container that does not exist' },
    time: { kind: 'uint', short: 't', word: 'seconds', help: 'Seconds from the stop signal to SIGKILL', default: '10' },
    volumes: { kind: 'bool', short: 'v', help: 'With its anonymous volumes' },
    ...trashFlags,
  }),
  unsupported: { depend: 'no container depends on another yet' },
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const targets = await resolveTargets(api, flags, positionals);
    const force = flags.force === true;
    const lenient = force || flags.ignore === true;
    return forEachTarget(
      { targets, context, ignore: (error) => lenient && isEngineError(error, 'not-found'), exitCodeOf: removalExitCode },
      (container) =>
        api.container.remove({
          container,
          force,
          volumes: flags.volumes === true,
          trash: flags['no-trash'] !== true,
          ...(flags.time === undefined ? {} : { timeoutSeconds: flags.time }),
        }),
    );
  },
});
