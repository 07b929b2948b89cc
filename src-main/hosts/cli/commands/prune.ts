import { EngineError } from '../../../base/errors.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import type { PruneDone, PrunePlan, PruneRequest } from '../../../contract/trash.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { trashFlags } from '../options/trash.ts';
import { parseFilters, parseMoment } from '../options/values.ts';
import { planText } from '../output/prune-plan.ts';
import { print, printLines, warn } from '../output/print.ts';
import { humanSize } from '../output/human.ts';
import { confirm } from '../prompt.ts';

const pruneFlags = flagTable({
  filter: { kind: 'array', word: 'key=value', help: 'Only what fits: until=, label=, label!=' },
  force: { kind: 'bool', short: 'f', help: 'Do not ask' },
  ...trashFlags,
});

interface PruneFlags {
  readonly filter: readonly string[];
  readonly force: boolean | undefined;
  readonly 'no-trash': boolean | undefined;
}

function parsePruneFilters(items: readonly string[], nowMs: number): Pick<PruneRequest, 'labels' | 'notLabels'> & { untilMs?: number } {
  const filters = parseFilters(items);
  const values = (wanted: string): string[] => filters.filter(({ key }) => key === wanted).map(({ value }) => value);
  const unknown = filters.find(({ key }) => !['until', 'label', 'label!'].includes(key));
  if (unknown) throw new EngineError('invalid-argument', `${unknown.key} is an invalid filter`, { fix: 'use until, label or label!' });
  const moments = values('until').map((text) => parseMoment(text, nowMs, '--filter until'));
  return { labels: values('label'), notLabels: values('label!'), ...(moments.length > 0 ? { untilMs: Math.min(...moments) } : {}) };
}

/** Shows the plan and asks, unless --force. Undefined: nothing was done. */
async function prune(
  request: Pick<PruneRequest, 'containers' | 'volumes' | 'images'>,
  flags: PruneFlags,
  warning: string,
  context: Context,
): Promise<PruneDone | undefined> {
  const filters = parsePruneFilters(flags.filter, Date.now());
  const api = await context.engine();
  const plan = await api.system.planPrune({ ...request, ...filters }, { signal: context.signal });
  const trash = flags['no-trash'] !== true;
  if (flags.force !== true && !(await agreed(api, plan, warning, trash))) return undefined;
  const { containers, volumes, images } = plan;
  const done = await api.system.prune(
    {
      containers: containers.map(({ id }) => id),
      volumes: volumes.map(({ name }) => name),
      images: images.map(({ id, names }) => ({ id, names })),
      trash,
    },
    { signal: context.signal },
  );
  for (const { message } of done.skipped) await warn(`Error: ${message}`);
  return done;
}

async function agreed(api: EngineClient, plan: PrunePlan, warning: string, trash: boolean): Promise<boolean> {
  await print(`WARNING! ${warning}\n`);
  const count = plan.containers.length + plan.volumes.length + plan.images.length;
  const keepDays = trash ? (await api.trash.list({})).keepDays : 0;
  await print(planText(plan, { nowMs: Date.now(), keepDays }));
  return count > 0 && confirm('Are you sure you want to continue?');
}

/** Podman's 125 when something could not be removed. */
function statusOf(done: PruneDone | undefined): number {
  return done !== undefined && done.skipped.length > 0 ? 125 : 0;
}

export const imagePrune = command({
  name: 'image prune',
  usage: '[options]',
  description: 'Remove images without a name; with --all every image that no container was made from. Shows what goes, and asks.',
  examples: ['image prune', 'image prune --all --filter until=240h'],
  flags: flagTable({ all: { kind: 'bool', short: 'a', help: 'All images that no container was made from' }, ...pruneFlags }),
  unsupported: { external: 'there are no containers of other programs in this store' },
  arguments: [0, 0],
  async run({ flags }, context) {
    const warning =
      flags.all === true
        ? 'This command removes all images without at least one container associated with them.'
        : 'This command removes all dangling images.';
    const done = await prune(
      { containers: false, volumes: false, images: flags.all === true ? 'unused' : 'dangling' },
      flags,
      warning,
      context,
    );
    await printLines(done?.images ?? []);
    return statusOf(done);
  },
});

export const containerPrune = command({
  name: 'container prune',
  usage: '[options]',
  description: 'Remove all containers that do not run. Shows what goes, and asks.',
  examples: ['container prune', 'container prune --force --filter until=24h'],
  flags: pruneFlags,
  arguments: [0, 0],
  async run({ flags }, context) {
    const request = { containers: true, volumes: false, images: 'none' } as const;
    const done = await prune(request, flags, 'This will remove all non running containers.', context);
    await printLines(done?.containers ?? []);
    return statusOf(done);
  },
});

export const volumePrune = command({
  name: 'volume prune',
  usage: '[options]',
  description: 'Remove all volumes that no container uses. Shows what goes, and asks.',
  examples: ['volume prune', 'volume prune --filter label=scratch'],
  flags: pruneFlags,
  arguments: [0, 0],
  async run({ flags }, context) {
    const request = { containers: false, volumes: true, images: 'none' } as const;
    const warning = 'This will remove all volumes not used by at least one container. The following volumes will be removed:';
    const done = await prune(request, flags, warning, context);
    await printLines(done?.volumes ?? []);
    return statusOf(done);
  },
});

export const systemPrune = command({
  name: 'system prune',
  usage: '[options]',
  description: 'Remove containers that do not run and images without a name; with options more. Shows what goes, and asks.',
  examples: ['system prune', 'system prune --all --volumes --force'],
  flags: flagTable({
    all: { kind: 'bool', short: 'a', help: 'All images that no container is left of' },
    volumes: { kind: 'bool', help: 'Volumes that no container uses, too' },
    ...pruneFlags,
  }),
  unsupported: { build: 'nothing is built yet', external: 'there are no containers of other programs in this store' },
  arguments: [0, 0],
  async run({ flags }, context) {
    const all = flags.all === true;
    const volumes = flags.volumes === true;
    const lines = [
      'all stopped containers',
      ...(volumes ? ['all volumes not used by at least one container'] : []),
      all ? 'all images without at least one container associated with them' : 'all dangling images',
    ];
    const warning = `This command removes:\n${lines.map((line) => `\t- ${line}\n`).join('')}`;
    const done = await prune({ containers: true, volumes, images: all ? 'unused' : 'dangling' }, flags, warning, context);
    if (!done) return 0;
    await printLines([
      ...section('Containers', done.containers),
      ...section('Volumes', done.volumes),
      ...section('Images', done.images),
      `Total reclaimed space: ${humanSize(done.reclaimedBytes)}`,
    ]);
    return statusOf(done);
  },
});

function section(title: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`Deleted ${title}`, ...ids];
}
