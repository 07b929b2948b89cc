import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { alignColumns } from '../output/table.ts';
import { latest } from '../targets.ts';

export const top = command({
  name: 'top',
  usage: '[options] CONTAINER [FORMAT-DESCRIPTORS...]',
  description: "Show a container's processes.",
  examples: ['top web', 'top web pid user args'],
  flags: flagTable({ latest: { kind: 'bool', short: 'l', help: 'The newest container' } }),
  interspersed: false,
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const [container, ...rest] = flags.latest === true ? [(await latest(api)).id, ...positionals] : positionals;
    if (container === undefined) throw new EngineError('invalid-argument', 'you must provide the name or id of a running container');
    // One word may hold several, as Podman reads it: "pid,user args".
    const descriptors = rest.flatMap((word) => word.split(/[\s,]+/)).filter((word) => word !== '');
    const table = await api.container.top({ container, descriptors }, { signal: context.signal });
    const lines = [table.titles, ...table.processes].map((cells) => cells.join('\t'));
    await print(alignColumns(`${lines.join('\n')}\n`));
    return 0;
  },
});
