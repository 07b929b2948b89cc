import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { isJsonFormat, renderReport } from '../output/report.ts';
import { statsHeadings, statsJson, statsRow } from '../output/stats-row.ts';
import { toJson } from '../output/template/template.ts';
import { latest } from '../targets.ts';

const ownFormat =
  'table {{.ID}} {{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDS}} {{.CPUTime}} {{.AVGCPU}}';

export const stats = command({
  name: 'stats',
  usage: '[options] [CONTAINER...]',
  description: 'Show what running containers use, again and again.',
  examples: ['stats --no-stream', "stats --format '{{.Name}} {{.MemUsage}}' web"],
  flags: flagTable({
    format: { kind: 'string', help: 'json, a Go template, or a table of fields' },
    interval: { kind: 'int', short: 'i', word: 'seconds', help: 'Seconds between two measurements', default: '5' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
    'no-reset': { kind: 'bool', help: 'Do not clear the screen between two measurements' },
    'no-stream': { kind: 'bool', help: 'Measure once' },
    'no-trunc': { kind: 'bool', help: 'Show ids in full length' },
  }),
  unsupported: { all: 'only running containers use anything', a: 'only running containers use anything' },
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const interval = flags.interval ?? 5;
    if (interval < 1) throw new EngineError('invalid-argument', 'invalid interval, must be a positive number greater zero');
    const json = isJsonFormat(flags.format);
    const api = await context.engine();
    const names = flags.latest === true ? [(await latest(api)).id] : positionals;
    const clear = process.stdout.isTTY && flags['no-reset'] !== true && flags['no-stream'] !== true && !json;
    const started = new Map<string, number>();
    const request = {
      once: flags['no-stream'] === true,
      intervalMs: interval * 1000,
      ...(names.length > 0 ? { containers: [...names] } : {}),
    };
    for await (const measured of api.container.stats(request, { signal: context.signal })) {
      if (measured.some((item) => !started.has(item.id)))
        for (const container of await api.container.list({ all: true })) started.set(container.id, container.startedAt ?? Date.now());
      const rows = measured.map((item) => {
        const livedMs = Math.max(1, Date.now() - (started.get(item.id) ?? Date.now()));
        return statsRow(item, { noTruncate: flags['no-trunc'] === true, averagePercent: (item.cpuTotalNs / 1e6 / livedMs) * 100 });
      });
      const text = json
        ? `${toJson(rows.map(statsJson), 1)}\n`
        : renderReport({ name: 'stats', rows, format: flags.format ?? ownFormat, headings: statsHeadings });
      await print(clear ? `\x1b[2J\x1b[H${text}` : text);
    }
    return 0;
  },
});
