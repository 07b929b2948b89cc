import { EngineError } from '../../../base/errors.ts';
import type { ContainerSummary } from '../../../contract/container.ts';
import { command } from '../command.ts';
import { flagTable, type FlagValues } from '../options/flags.ts';
import { parseFilters } from '../options/values.ts';
import { containerHeadings, containerJson, containerRow } from '../output/container-row.ts';
import { shortId } from '../output/human.ts';
import { print, printLines } from '../output/print.ts';

const flags = flagTable({
  all: { kind: 'bool', short: 'a', help: 'Show all containers, not only running ones' },
  filter: { kind: 'array', short: 'f', word: 'key=value', help: 'Show only those that fit' },
  format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
  last: { kind: 'int', short: 'n', help: 'Show the newest so many, in all states' },
  latest: { kind: 'bool', short: 'l', help: 'Show the newest container' },
  'no-trunc': { kind: 'bool', help: 'Show everything in full length' },
  noheading: { kind: 'bool', help: 'Print no headings' },
  quiet: { kind: 'bool', short: 'q', help: 'Print ids only' },
  size: { kind: 'bool', short: 's', help: 'Show sizes' },
  sort: { kind: 'string', help: 'Sort by command, created, id, image, names, runningfor, size or status', default: 'created' },
  sync: { kind: 'bool', hidden: true, help: 'Without effect: states are always current' },
});

type Flags = FlagValues<typeof flags>;
type Compare = (a: ContainerSummary, b: ContainerSummary) => number;

function by(key: (container: ContainerSummary) => string | number): Compare {
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

const orders: Readonly<Record<string, Compare>> = {
  command: by((container) => container.command.join(' ')),
  created: by((container) => container.createdAt),
  id: by((container) => container.id),
  image: by((container) => container.imageName),
  names: by((container) => container.name),
  // The shortest age first, as Podman.
  runningfor: by((container) => -container.createdAt),
  size: by((container) => container.size?.virtualBytes ?? 0),
  status: by((container) => container.state),
};

export function sortContainers(containers: readonly ContainerSummary[], key: string): ContainerSummary[] {
  const order = Object.hasOwn(orders, key) ? orders[key] : undefined;
  if (!order) {
    const words = Object.keys(orders).join(', ');
    throw new EngineError(
      'invalid-argument',
      `invalid argument "${key}" for "--sort" flag: "${key}" is not a valid value.  Choose from: "${words}"`,
      {
        details: { hint: "See 'selkie ps --help'" },
      },
    );
  }
  return [...containers].sort(order);
}

async function show(containers: readonly ContainerSummary[], options: Flags): Promise<void> {
  const nowMs = Date.now();
  const noTruncate = options['no-trunc'] === true;
  const size = options.size === true;
  if (options.quiet === true && options.format === undefined)
    return printLines(containers.map((container) => (noTruncate ? container.id : shortId(container.id))));
  const { isJsonFormat, renderReport } = await import('../output/report.ts');
  if (isJsonFormat(options.format)) {
    const { toJson } = await import('../output/template/template.ts');
    return print(
      `${toJson(
        containers.map((container) => containerJson(container, nowMs)),
        2,
      )}\n`,
    );
  }
  const format =
    options.format ?? `table {{.ID}} {{.Image}} {{.Command}} {{.RunningFor}} {{.Status}} {{.Ports}} {{.Names}}${size ? ' {{.Size}}' : ''}`;
  const headings = options.format === undefined ? new Map([...containerHeadings, ['RunningFor', 'CREATED'] as const]) : containerHeadings;
  const rows = containers.map((container) => containerRow(container, { nowMs, noTruncate, size }));
  return print(renderReport({ name: 'ps', rows, format, headings, noHeading: options.noheading === true }));
}

export const ps = command({
  name: 'ps',
  usage: '[options]',
  description: 'List containers: the running ones, or with -a all.',
  examples: ['ps -a', "ps --filter status=exited --format '{{.ID}} {{.Names}}'", 'ps --size --sort names'],
  flags,
  unsupported: { external: '', ns: '', pod: 'pods come with a later version', p: 'pods come with a later version', watch: '', w: '' },
  arguments: [0, 0],
  async run({ flags: options }, context) {
    const last = options.latest === true ? 1 : options.last;
    if (options.latest === true && options.last !== undefined)
      throw new EngineError('invalid-argument', '--last and --latest cannot be set together');
    const sort = options.sort ?? 'created';
    sortContainers([], sort);
    const filters = parseFilters(options.filter);
    const api = await context.engine();
    const containers = await api.container.list(
      {
        // Podman: whoever asks for a state means it, whatever -a says.
        all: options.all === true || filters.some((filter) => filter.key === 'status' || filter.key === 'exited'),
        filters,
        size: options.size === true || sort === 'size',
        ...(last === undefined || last < 0 ? {} : { last }),
      },
      { signal: context.signal },
    );
    await show(sortContainers(containers, sort), options);
    return 0;
  },
});
