import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { shortId } from '../output/human.ts';
import { publishedPorts } from '../output/ports.ts';
import { printLines } from '../output/print.ts';
import { latest } from '../targets.ts';

export const port = command({
  name: 'port',
  usage: '[options] CONTAINER [PORT]',
  description: "Show a container's published ports, or where one of them is on the host.",
  examples: ['port web', 'port web 80/tcp', 'port --all'],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'Of all running containers' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
  }),
  arguments: [0, 2],
  async run({ flags, positionals }, context) {
    if (flags.all === true && positionals.length > 0) throw new EngineError('invalid-argument', 'no arguments are needed with --all');
    const api = await context.engine();
    if (flags.all === true) {
      const containers = await api.container.list({ all: false });
      await printLines(
        containers.flatMap((container) =>
          publishedPorts(container.ports).map((entry) => `${shortId(container.id)}\t${entry.container} -> ${entry.host}`),
        ),
      );
      return 0;
    }
    const [name, wanted]: readonly (string | undefined)[] = flags.latest === true ? [(await latest(api)).id, ...positionals] : positionals;
    if (name === undefined) throw new EngineError('invalid-argument', 'you must supply a running container name or id');
    const { ports } = await api.container.inspect({ container: name });
    const published = publishedPorts(ports);
    if (wanted === undefined) {
      await printLines(published.map((entry) => `${entry.container} -> ${entry.host}`));
      return 0;
    }
    const key = wanted.includes('/') ? wanted : `${wanted}/tcp`;
    const found = published.filter((entry) => entry.container === key);
    if (found.length === 0) throw new EngineError('not-found', `failed to find published port "${wanted}"`);
    await printLines(found.map((entry) => entry.host));
    return 0;
  },
});
