import { command } from '../command.ts';
import { toEngineOptions } from '../connect.ts';
import { flagTable } from '../options/flags.ts';
import { print, warn } from '../output/print.ts';
import { confirm } from '../prompt.ts';
import { reportFailures } from '../targets.ts';

const warning = [
  'WARNING! This will remove:',
  '        - all containers',
  '        - all images',
  '        - all volumes, with their data',
  '        - everything in the trash',
  '        - the store itself, with its history of events',
];

export const reset = command({
  name: 'system reset',
  usage: '[options]',
  description:
    'Remove everything that Selkie has made on this machine for this user: as if it had never run. Nothing goes to the trash. Asks.',
  examples: ['system reset', 'system reset --force'],
  flags: flagTable({ force: { kind: 'bool', short: 'f', help: 'Do not ask' } }),
  arguments: [0, 0],
  async run({ flags }, context) {
    const api = await context.engine();
    if (flags.force !== true) {
      const { store } = await api.system.info({});
      await print(`${[...warning, `in ${store.graphRoot} and ${store.runRoot}.`].join('\n')}\n`);
      if (!(await confirm('Are you sure you want to continue?'))) return 0;
    }
    const { left } = await api.system.reset({}, { signal: context.signal });
    for (const path of left) await warn(`Warning: ${path} is not ours, and was left`);
    const { endSandbox } = await import('../../../launch/launch.ts');
    await endSandbox(toEngineOptions(context.globals));
    return 0;
  },
});

export const migrate = command({
  name: 'system migrate',
  usage: '[options]',
  description:
    "Begin anew with this user's ids and namespaces: stops the containers that run, and ends the pause process. For use after /etc/subuid or /etc/subgid was changed.",
  examples: ['system migrate'],
  flags: {},
  unsupported: { 'new-runtime': 'the runtime is chosen at each start: selkie --runtime, or runtime in containers.conf' },
  arguments: [0, 0],
  async run(_, context) {
    const api = await context.engine();
    const failures: unknown[] = [];
    for (const { id } of await api.container.list({ all: false })) {
      try {
        await api.container.stop({ container: id });
        await print(`stopped ${id}\n`);
      } catch (error) {
        failures.push(error);
      }
    }
    // What still runs keeps its namespaces: a second sandbox beside them would not see their mounts.
    if (failures.length > 0) return reportFailures(failures, context);
    const { endSandbox } = await import('../../../launch/launch.ts');
    if (!(await endSandbox(toEngineOptions(context.globals))))
      await warn(
        'There is nothing to migrate: the store is brought forward whenever it is opened, and no pause process holds namespaces here.',
      );
    return 0;
  },
});
