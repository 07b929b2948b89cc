import { EngineError } from '../../../base/errors.ts';
import type { TrashItem } from '../../../contract/trash.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { ago, humanDuration, humanSize, shortId } from '../output/human.ts';
import { print, printLines, warn } from '../output/print.ts';
import { headingsOf, isJsonFormat, renderReport } from '../output/report.ts';
import { GoTime, struct, toJson, type GoStruct } from '../output/template/template.ts';
import { confirm } from '../prompt.ts';
import { reportFailures } from '../targets.ts';

export function trashRow(item: TrashItem, nowMs: number, noTruncate: boolean): GoStruct {
  const long = !noTruncate && item.object.length === 64;
  return struct('trash.entry', {
    ID: item.id,
    Kind: item.kind,
    Object: long ? shortId(item.object) : item.object,
    Name: item.names.join(', ') || '<none>',
    Names: item.names,
    Image: item.image ?? '',
    Removed: ago(item.removedAt, nowMs),
    RemovedAt: new GoTime(item.removedAt),
    Expires: item.expiresAt > nowMs ? `in ${humanDuration(item.expiresAt - nowMs)}` : 'now',
    ExpiresAt: new GoTime(item.expiresAt),
    Size: humanSize(item.sizeBytes),
    RawSize: item.sizeBytes,
  });
}

export function trashJson(item: TrashItem): GoStruct {
  return struct('trash.entry', {
    Id: item.id,
    Kind: item.kind,
    Object: item.object,
    Names: item.names,
    ...(item.image === undefined ? {} : { Image: item.image }),
    RemovedAt: new GoTime(item.removedAt),
    ExpiresAt: new GoTime(item.expiresAt),
    Size: item.sizeBytes,
  });
}

export const trashList = command({
  name: 'trash ls',
  usage: '[options]',
  description: 'List what was removed and can still be brought back, the newest first.',
  examples: ['trash ls', 'trash ls --format json'],
  flags: flagTable({
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    'no-trunc': { kind: 'bool', help: 'Show everything in full length' },
    noheading: { kind: 'bool', short: 'n', help: 'Print no headings' },
    quiet: { kind: 'bool', short: 'q', help: 'Print ids only' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    const { items } = await api.trash.list({}, { signal: context.signal });
    if (flags.quiet === true) await printLines(items.map(({ id }) => id));
    else if (isJsonFormat(flags.format)) await print(`${toJson(items.map(trashJson), 4)}\n`);
    else {
      const nowMs = Date.now();
      const fields = ['ID', 'Kind', 'Object', 'Name', 'Names', 'Image', 'Removed', 'RemovedAt', 'Expires', 'ExpiresAt', 'Size', 'RawSize'];
      await print(
        renderReport({
          name: 'ls',
          rows: items.map((item) => trashRow(item, nowMs, flags['no-trunc'] === true)),
          format: flags.format ?? 'table {{.ID}} {{.Kind}} {{.Object}} {{.Name}} {{.Removed}} {{.Expires}} {{.Size}}',
          headings: headingsOf(fields, { ID: 'ENTRY' }),
          noHeading: flags.noheading === true,
        }),
      );
    }
    return 0;
  },
});

export const trashRestore = command({
  name: 'trash restore',
  usage: '[options] ENTRY [ENTRY...]',
  description: 'Bring back what was removed: by the entry, or by the name or id that it had.',
  examples: ['trash restore data', 'trash restore --name data-old 3f2a9c01b7de'],
  flags: flagTable({ name: { kind: 'string', help: 'Another name than it had; for an image, one more' } }),
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    if (flags.name !== undefined && positionals.length > 1)
      throw new EngineError('invalid-argument', 'a name can be given to one entry only');
    const api = await context.engine();
    const failures: unknown[] = [];
    for (const entry of positionals) {
      try {
        const restored = await api.trash.restore({ entry, ...(flags.name === undefined ? {} : { name: flags.name }) });
        await print(`${restored.names[0] ?? restored.object}\n`);
        for (const name of restored.takenNames)
          await warn(
            `Warning: ${restored.kind} ${shortId(restored.object)} came back without the name ${name}, which another one has meanwhile`,
          );
      } catch (error) {
        failures.push(error);
      }
    }
    return reportFailures(failures, context);
  },
});

export const trashEmpty = command({
  name: 'trash empty',
  usage: '[options] [ENTRY...]',
  description: 'Delete for good what is in the trash; without entries all of it. Asks.',
  examples: ['trash empty', 'trash empty --force 3f2a9c01b7de'],
  flags: flagTable({ force: { kind: 'bool', short: 'f', help: 'Do not ask' } }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    if (flags.force !== true) {
      const { items, totalBytes } = await api.trash.list({});
      if (positionals.length === 0 && items.length === 0) {
        await print('The trash is empty.\n');
        return 0;
      }
      const what =
        positionals.length === 0
          ? `all ${String(items.length)} things in the trash (${humanSize(totalBytes)})`
          : `${positionals.join(', ')} in the trash`;
      await print(`WARNING! This deletes ${what} for good.\n`);
      if (!(await confirm('Are you sure you want to continue?'))) return 0;
    }
    const { discarded, freedBytes } = await api.trash.empty({ entries: [...positionals] }, { signal: context.signal });
    await printLines([...discarded, `Total reclaimed space: ${humanSize(freedBytes)}`]);
    return 0;
  },
});
