import { EngineError, isEngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { trashFlags } from '../options/trash.ts';
import { printLines } from '../output/print.ts';
import { removalExitCode, reportFailures } from '../targets.ts';

/** Nothing of an additional store is taken away; asked by its name that is an error, by --all it is not meant. */
const ownOnly = [{ key: 'readonly', value: 'false' }];

export const rmi = command({
  name: 'rmi',
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Remove images. With --force also the containers made from them.',
  examples: ['rmi alpine', 'rmi --all --force'],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'All images' },
    force: { kind: 'bool', short: 'f', help: 'Also when it is in use; no error when there is none' },
    ignore: { kind: 'bool', short: 'i', help: 'No error for an image that does not exist' },
    ...trashFlags,
  }),
  unsupported: { 'no-prune': '' },
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const force = flags.force === true;
    if (flags.all === true && positionals.length > 0)
      throw new EngineError('invalid-argument', 'when using the --all switch, you may not pass any images names or IDs');
    if (flags.all !== true && positionals.length === 0) throw new EngineError('invalid-argument', 'image name or ID must be specified');
    const api = await context.engine();
    const images = flags.all === true ? (await api.image.list({ all: true, filters: ownOnly })).map((image) => image.id) : positionals;
    const lenient = force || flags.ignore === true;
    const failures: unknown[] = [];
    for (const image of new Set(images)) {
      try {
        const removed = await api.image.remove(
          { image, force, ignore: lenient, trash: flags['no-trash'] !== true },
          { signal: context.signal },
        );
        await printLines([...removed.untagged.map((name) => `Untagged: ${name}`), ...removed.deleted.map((id) => `Deleted: ${id}`)]);
      } catch (error) {
        if (!(lenient && isEngineError(error, 'not-found'))) failures.push(error);
      }
    }
    return reportFailures(failures, context, removalExitCode);
  },
});
