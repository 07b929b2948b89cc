import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { print, printLines } from '../output/print.ts';
import { toJson } from '../output/template/template.ts';
import { latest } from '../targets.ts';

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

type Kinds = readonly ('image' | 'container')[];

interface DiffFlags {
  readonly format?: string | undefined;
  readonly latest?: boolean | undefined;
}

const formatFlag = flagTable({ format: { kind: 'string', help: 'json' } });
const latestFlag = flagTable({ latest: { kind: 'bool', short: 'l', help: 'The newest container' } });

async function runDiff(name: string, kinds: Kinds, flags: DiffFlags, positionals: readonly string[], context: Context): Promise<number> {
  if (flags.format !== undefined && flags.format !== 'json')
    throw new EngineError('invalid-argument', "only supported value for '--format' is 'json'");
  const isLatest = flags.latest === true;
  if (isLatest && positionals.length > 0) throw new EngineError('invalid-argument', '--latest and containers cannot be used together');
  if (!isLatest && positionals.length === 0)
    throw new EngineError('invalid-argument', `"selkie ${name}" requires a name, id, or the "--latest" flag`);
  const api = await context.engine();
  const [object = '', base] = isLatest ? [(await latest(api)).id] : positionals;
  const changes = await api.container.diff(
    { object, kinds: isLatest ? ['container'] : [...kinds], ...(base === undefined ? {} : { base }) },
    { signal: context.signal },
  );
  if (flags.format === undefined) {
    await printLines(changes.map(({ kind, path }) => `${letters[kind]} ${path}`));
    return 0;
  }
  const lists = (['changed', 'added', 'deleted'] as const).map(
    (kind) => [kind, changes.filter((change) => change.kind === kind).map(({ path }) => path)] as const,
  );
  await print(`${toJson(Object.fromEntries(lists.filter(([, paths]) => paths.length > 0)), 5)}\n`);
  return 0;
}

export const diff = command({
  name: 'diff',
  usage: '[options] {CONTAINER|IMAGE} [{CONTAINER|IMAGE}]',
  description:
    'Show what has changed in a container since it was made from its image, in the last layer of an image, or between two of them.',
  examples: ['diff web', 'diff --format json alpine'],
  flags: { ...formatFlag, ...latestFlag },
  arguments: [0, 2],
  run: ({ flags, positionals }, context) => runDiff('diff', ['image', 'container'], flags, positionals, context),
});

export const containerDiff = command({
  name: 'container diff',
  usage: '[options] CONTAINER [CONTAINER]',
  description: 'Show what has changed in a container since it was made from its image, or against another container.',
  examples: ['container diff web', 'container diff --latest --format json'],
  flags: { ...formatFlag, ...latestFlag },
  arguments: [0, 2],
  run: ({ flags, positionals }, context) => runDiff('container diff', ['container'], flags, positionals, context),
});

export const imageDiff = command({
  name: 'image diff',
  usage: '[options] IMAGE [IMAGE]',
  description: "Show what has changed in an image's last layer, or against another image.",
  examples: ['image diff alpine', 'image diff alpine:edge alpine:3'],
  flags: formatFlag,
  arguments: [0, 2],
  run: ({ flags, positionals }, context) => runDiff('image diff', ['image'], flags, positionals, context),
});
