import type { EngineClient } from '../../../contract/engine.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { print, printLines, warn } from '../output/print.ts';
import { isJsonFormat } from '../output/report.ts';
import { alignColumns } from '../output/table.ts';
import { confirm } from '../prompt.ts';
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

/** Answers 0 when the store is whole afterwards. */
async function repair(api: EngineClient, force: boolean, contents: boolean, context: Context): Promise<number> {
  const plan = await api.system.planRepair({ contents }, { signal: context.signal });
  if (plan.actions.length === 0 && plan.manual.length === 0) {
    await print('The store is whole: there is nothing to repair.\n');
    return 0;
  }
  for (const { object, message, action } of plan.actions) await print(`repair      ${object}: ${message}\n            ${action}\n`);
  for (const { object, message, advice } of plan.manual) await print(`left        ${object}: ${message}\n            ${advice}\n`);
  if (plan.actions.length > 0) {
    if (!force && !(await confirm('Are you sure you want to continue?'))) return 1;
    const actions = plan.actions.map(({ kind, object }) => ({ kind, object }));
    const { done, failed } = await api.system.repair({ actions }, { signal: context.signal });
    await printLines(done);
    for (const message of failed) await warn(`Error: ${message}`);
  }
  const after = await api.system.planRepair({}, { signal: context.signal });
  return after.actions.length > 0 || after.manual.length > 0 ? 1 : 0;
}

export const check = command({
  name: 'system check',
  usage: '[options]',
  description:
    'Check, in words, what the host offers and whether the store is whole. Changes nothing, unless --repair is given and agreed to. Exits with 1 when something is missing or broken.',
  examples: ['system check', 'system check --quick --format json', 'system check --repair'],
  flags: flagTable({
    force: { kind: 'bool', help: 'With --repair: do not ask' },
    format: { kind: 'string', short: 'f', help: 'json' },
    quick: { kind: 'bool', short: 'q', help: 'Do not read the layers, which takes as long as the disk needs for all of them' },
    repair: { kind: 'bool', short: 'r', help: 'Repair the store: shows what it does, and asks' },
  }),
  unsupported: { max: '', m: '' },
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    const contents = flags.quick !== true;
    if (flags.repair === true) return repair(api, flags.force === true, contents, context);
    const { host, store } = await api.system.check({ contents }, { signal: context.signal });
    if (isJsonFormat(flags.format)) await print(`${JSON.stringify({ host, store }, undefined, 2)}\n`);
    else {
      const problems = store.map((problem) => `broken      ${problem.object}: ${problem.message}\n`).join('');
      await print(`${checkText(host)}${problems === '' ? 'ok          The store is whole\n' : problems}`);
    }
    return store.length > 0 || host.some((line) => line.status === 'missing') ? 1 : 0;
  },
});
