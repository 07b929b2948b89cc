import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { print } from '../output/print.ts';
import { isJsonFormat } from '../output/report.ts';
import { alignColumns } from '../output/table.ts';
import type { CheckLine } from '../../../contract/system.ts';

export function checkText(lines: readonly CheckLine[]): string {
  const table = alignColumns(`${lines.map((line) => [line.status, line.title, line.value].join('\t')).join('\n')}\n`);
  const rows = table.trimEnd().split('\n');
  return lines
    .map((line, index) => {
      const row = (rows[index] ?? '').trimEnd();
      if (line.status === 'ok') return `${row}\n`;
      const command = line.command === '' ? '' : `  run: ${line.command}\n`;
      return `${row}\n  why: ${line.why}\n${line.fix === '' ? '' : `  fix: ${line.fix}\n`}${command}`;
    })
    .join('');
}

export const check = command({
  name: 'system check',
  usage: '[options]',
  description:
    'Check, in words, what the host offers and whether the store is whole. Changes nothing. Exits with 1 when something is missing or broken.',
  examples: ['system check', 'system check --format json'],
  flags: flagTable({
    format: { kind: 'string', short: 'f', help: 'json' },
  }),
  unsupported: { force: 'it repairs nothing', repair: 'the engine repairs by itself', r: 'the engine repairs by itself', max: '', m: '' },
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    const { host, store } = await api.system.check({});
    if (isJsonFormat(flags.format)) await print(`${JSON.stringify({ host, store }, undefined, 2)}\n`);
    else {
      const problems = store.map((problem) => `broken      ${problem.object}: ${problem.message}\n`).join('');
      await print(`${checkText(host)}${problems === '' ? 'ok          The store is whole\n' : problems}`);
    }
    return store.length > 0 || host.some((line) => line.status === 'missing') ? 1 : 0;
  },
});
