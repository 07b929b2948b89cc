import { resolve } from 'node:path';
import { EngineError, errorTable } from '../../../base/errors.ts';
import type { ImportDone, ImportPlan } from '../../../contract/adopt.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { importPlanText } from '../output/import-plan.ts';
import { shortId } from '../output/human.ts';
import { print, warn } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';
import { isJsonFormat } from '../output/report.ts';
import { confirm } from '../prompt.ts';

function parseSource(text: string | undefined): 'podman' | 'docker' {
  if (text === 'podman' || text === 'docker') return text;
  const what = text === undefined ? '--from is needed' : `--from ${JSON.stringify(text)} is not known`;
  throw new EngineError('invalid-argument', what, { fix: 'use --from podman or --from docker' });
}

async function run(api: EngineClient, plan: ImportPlan, quiet: boolean, context: Context): Promise<number> {
  const display = progressDisplay({ quiet });
  const images = plan.images.filter(({ action }) => action === 'copy').map(({ id }) => id);
  const volumes = plan.volumes.filter(({ action }) => action === 'copy').map(({ name }) => name);
  const order = { from: plan.from, root: plan.root, images, volumes };
  let failed = false;
  try {
    for await (const item of api.system.import(order, { signal: context.signal })) {
      if (item.kind === 'progress') {
        await display.show(item.progress);
        continue;
      }
      await display.finish();
      failed ||= item.kind === 'failed';
      await tell(item);
    }
  } finally {
    await display.finish();
  }
  return failed ? errorTable.internal.exitCode : 0;
}

async function tell(done: ImportDone): Promise<void> {
  if (done.kind === 'image') await print(`Imported image: ${done.names[0] ?? shortId(done.id)}\n`);
  else if (done.kind === 'volume') await print(`Imported volume: ${done.name}\n`);
  else await warn(`Error: ${done.message}${done.fix === '' ? '' : `\n  fix: ${done.fix}`}`);
}

export const systemImport = command({
  name: 'system import',
  usage: '[options] --from podman|docker [NAME...]',
  description:
    "Copy images, and Podman's volumes, from another engine's store on this machine: without the network, and without changing that store. NAME is an image or a volume; without any, all that have a name. Labels and options of volumes stay behind. Shows what is copied, and asks.",
  examples: ['system import --from podman', 'system import --from docker --dry-run', 'system import --from podman --volumes data'],
  flags: flagTable({
    'dry-run': { kind: 'bool', help: 'Show what would be copied, and do nothing' },
    force: { kind: 'bool', short: 'f', help: 'Do not ask' },
    format: { kind: 'string', help: 'With --dry-run: json' },
    from: { kind: 'string', word: 'podman|docker', help: 'Whose store' },
    images: { kind: 'bool', help: 'Only images, unless --volumes is given too' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    root: { kind: 'string', word: 'path', help: 'Where that store is, when it is not where it is for this user' },
    volumes: { kind: 'bool', help: "Only volumes, unless --images is given too; Podman's" },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const from = parseSource(flags.from);
    if (from === 'docker' && flags.volumes === true)
      throw new EngineError('unsupported', "Docker's volumes are not imported", {
        fix: 'copy them: docker run --rm -v NAME:/from alpine tar -c -C /from . | selkie run --rm -i -v NAME:/to alpine tar -x -C /to',
      });
    if (flags.format !== undefined && flags['dry-run'] !== true)
      throw new EngineError('invalid-argument', '--format is for --dry-run', { fix: 'add --dry-run' });
    const both = flags.images !== true && flags.volumes !== true;
    const request = {
      ...{
        from,
        names: [...positionals],
        images: both || flags.images === true,
        volumes: from === 'podman' && (both || flags.volumes === true),
      },
      ...(flags.root === undefined ? {} : { root: resolve(context.workingDirectory, flags.root) }),
    };
    const api = await context.engine();
    const plan = await api.system.planImport(request, { signal: context.signal });
    const dryRun = flags['dry-run'] === true;
    if (dryRun && isJsonFormat(flags.format)) {
      await print(`${JSON.stringify(plan, undefined, 2)}\n`);
      return 0;
    }
    if (dryRun || flags.force !== true || flags.quiet !== true) await print(importPlanText(plan));
    const count = [...plan.images, ...plan.volumes].filter(({ action }) => action === 'copy').length;
    if (dryRun || count === 0) return 0;
    if (flags.force !== true && !(await confirm('Are you sure you want to continue?'))) return 1;
    return run(api, plan, flags.quiet === true, context);
  },
});
