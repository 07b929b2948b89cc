import type { ImageHistoryStep } from '../../../contract/image.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { ago, humanSize, shortId } from '../output/human.ts';
import { print, printLines } from '../output/print.ts';
import { headingsOf, isJsonFormat, renderReport } from '../output/report.ts';
import { GoTime, nilSlice, struct, toJson, type GoStruct } from '../output/template/template.ts';

/** So much of a step's command is shown. */
const commandLength = 45;
const missing = '<missing>';

interface View {
  readonly human: boolean;
  readonly noTruncate: boolean;
  readonly nowMs: number;
}

/** RFC 3339 in whole seconds, as Podman shows it. */
function moment(step: ImageHistoryStep): string {
  return new Date(step.createdAt ?? 0).toISOString().replace(/\.\d+Z$/, 'Z');
}

function historyRow(step: ImageHistoryStep, { human, noTruncate, nowMs }: View): GoStruct {
  const since = ago(step.createdAt ?? 0, nowMs);
  const long = !noTruncate && step.createdBy.length > commandLength;
  return struct('images.historyReporter', {
    ID: step.id === undefined ? missing : noTruncate ? step.id : shortId(step.id),
    Created: human ? since : moment(step),
    CreatedSince: since,
    CreatedAt: new GoTime(step.createdAt ?? 0),
    CreatedBy: long ? `${step.createdBy.slice(0, commandLength - 3)}...` : step.createdBy,
    Tags: step.names,
    Size: humanSize(step.sizeBytes, 3, ' '),
    Comment: step.comment,
  });
}

function historyJson(step: ImageHistoryStep): GoStruct {
  return struct('images.historyReporter', {
    id: step.id ?? missing,
    created: new GoTime(step.createdAt ?? 0),
    CreatedBy: step.createdBy,
    ...(step.names.length > 0 ? { tags: step.names } : {}),
    size: step.sizeBytes,
    ...(step.comment === '' ? {} : { comment: step.comment }),
    Created: moment(step),
  });
}

export const history = command({
  name: 'history',
  usage: '[options] IMAGE',
  description: 'Show how an image was made: its steps, the newest first, and what each added.',
  examples: ['history alpine', "history --format '{{.CreatedBy}} {{.Size}}' alpine"],
  flags: flagTable({
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    human: { kind: 'bool', short: 'H', help: 'Times in words', default: 'true' },
    'no-trunc': { kind: 'bool', help: 'Show everything in full length' },
    quiet: { kind: 'bool', short: 'q', help: 'Print ids only' },
  }),
  arguments: [1, 1],
  async run({ flags, positionals: [image = ''] }, context) {
    const api = await context.engine();
    const steps = await api.image.history({ image });
    const noTruncate = flags['no-trunc'] === true;
    const rows = steps.map((step) => historyRow(step, { human: flags.human !== false, noTruncate, nowMs: Date.now() }));
    if (isJsonFormat(flags.format)) await print(`${steps.length === 0 ? toJson(nilSlice) : toJson(steps.map(historyJson))}\n`);
    else if (flags.quiet === true) await printLines(rows.map((row) => String(row['ID'])));
    else
      await print(
        renderReport({
          name: 'history',
          rows,
          format: flags.format ?? 'table {{.ID}} {{.Created}} {{.CreatedBy}} {{.Size}} {{.Comment}}',
          headings: headingsOf(['ID', 'Created', 'CreatedSince', 'CreatedAt', 'CreatedBy', 'Tags', 'Size', 'Comment']),
        }),
      );
    return 0;
  },
});
