import { EngineError } from '../../../base/errors.ts';
import type { EngineEvent } from '../../../contract/event.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { parseFilters, parseMoment } from '../options/values.ts';
import { eventFilterKeys, eventFits, eventJson, eventLine, eventRow } from '../output/event-row.ts';
import { print } from '../output/print.ts';
import { isJsonFormat, normalizeFormat } from '../output/report.ts';
import { compileTemplate, toJson } from '../output/template/template.ts';

function formatter(format: string | undefined): (event: EngineEvent) => string {
  if (format === undefined) return (event) => `${eventLine(event)}\n`;
  if (isJsonFormat(format)) return (event) => `${toJson(eventJson(event))}\n`;
  const template = compileTemplate('events', normalizeFormat(format).row);
  return (event) => template.execute(eventRow(event));
}

export const events = command({
  name: 'events',
  usage: '[options]',
  description: 'Show what happens to containers, images and volumes.',
  examples: ['events', "events --filter event=died --format '{{.Name}} {{.ContainerExitCode}}'", 'events --since 1h --stream=false'],
  flags: flagTable({
    filter: {
      kind: 'array',
      short: 'f',
      word: 'key=value',
      help: 'Show only those that fit: container, image, volume, event, type, label',
    },
    format: { kind: 'string', help: 'json, or a Go template' },
    'no-trunc': { kind: 'bool', hidden: true, help: 'Nothing is ever cut' },
    since: { kind: 'string', word: 'time', help: 'Begin with those since a time or a duration before now' },
    stream: { kind: 'bool', help: 'Go on as they happen', default: 'true' },
    until: { kind: 'string', word: 'time', help: 'End at a time, or a duration before now' },
  }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const nowMs = Date.now();
    const filters = parseFilters(flags.filter);
    const unknown = filters.find((filter) => !eventFilterKeys.has(filter.key));
    if (unknown)
      throw new EngineError('invalid-argument', `${unknown.key} is an invalid filter`, {
        fix: `there are ${[...eventFilterKeys].join(', ')}`,
      });
    const sinceMs = flags.since === undefined ? undefined : parseMoment(flags.since, nowMs, '--since');
    const untilMs = flags.until === undefined ? undefined : parseMoment(flags.until, nowMs, '--until');
    const format = formatter(flags.format);
    const follow = flags.stream !== false && (untilMs === undefined || untilMs > nowMs);
    const fromStart = sinceMs !== undefined || untilMs !== undefined || !follow;
    const api = await context.engine();
    // A time in the future ends the stream at that time.
    const signal =
      follow && untilMs !== undefined ? AbortSignal.any([context.signal, AbortSignal.timeout(untilMs - nowMs)]) : context.signal;
    try {
      for await (const event of api.event.watch({ follow, ...(fromStart ? { afterSequence: 0 } : {}) }, { signal })) {
        if ((sinceMs !== undefined && event.timestampMs < sinceMs) || !eventFits(event, filters)) continue;
        if (untilMs !== undefined && event.timestampMs > untilMs) break;
        await print(format(event));
      }
    } catch (error) {
      if (!signal.aborted || context.signal.aborted) throw error;
    }
    return 0;
  },
});
