import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { parseChoice } from '../options/values.ts';
import { print } from '../output/print.ts';
import { latest, reportFailures } from '../targets.ts';

const conditions = ['exited', 'running', 'removed', 'created', 'paused'] as const;
type Condition = (typeof conditions)[number];

export function parseCondition(text: string): Condition {
  // Podman's own name for a container that has ended.
  if (text === 'stopped') return 'exited';
  return parseChoice(text, conditions, (word) => `invalid condition "${word}"`);
}

export const wait = command({
  name: 'wait',
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Wait until containers end, and print their exit codes.',
  examples: ['wait web', 'wait --condition running web'],
  flags: flagTable({
    condition: { kind: 'strings', help: 'What to wait for: stopped, exited, running, created, paused, removed', default: 'stopped' },
    ignore: { kind: 'bool', help: 'Print -1 for a container that does not exist' },
    interval: { kind: 'string', short: 'i', hidden: true, help: 'Without effect: the engine waits for the event' },
    latest: { kind: 'bool', short: 'l', help: 'The newest container' },
  }),
  arguments: [0, Infinity],
  async run({ flags, positionals }, context) {
    const api = await context.engine();
    const names = flags.latest === true ? [(await latest(api)).id] : positionals;
    if (names.length === 0) throw new EngineError('invalid-argument', '`selkie wait` requires a name, or the --latest flag');
    const wanted = flags.condition.map(parseCondition);
    const results = await Promise.allSettled(
      names.map((container) =>
        api.container.wait({ container, ...(wanted.length > 0 ? { conditions: wanted } : {}) }, { signal: context.signal }),
      ),
    );
    const failures: unknown[] = [];
    for (const result of results) {
      if (result.status === 'fulfilled') await print(`${result.value.exitCode}\n`);
      else if (flags.ignore === true && result.reason instanceof EngineError && result.reason.code === 'not-found') await print('-1\n');
      else failures.push(result.reason);
    }
    return reportFailures(failures, context);
  },
});
