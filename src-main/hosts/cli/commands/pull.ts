import { command } from '../command.ts';
import { parsePullPolicy } from '../options/container-spec.ts';
import { flagTable } from '../options/flags.ts';
import { platformOf } from '../options/platform.ts';
import { accessFlags, toAccess } from '../options/registry-access.ts';
import { print } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';
import { reportFailures } from '../targets.ts';

export const pull = command({
  name: 'pull',
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Fetch images from a registry, or from docker-archive:, oci-archive:, oci:, dir:.',
  examples: ['pull alpine', 'pull --platform linux/arm64 docker.io/library/debian:12', 'pull oci-archive:app.tar'],
  flags: flagTable({
    'all-tags': { kind: 'bool', short: 'a', help: 'Every tag of the repository' },
    arch: { kind: 'string', help: "Choose an image of this architecture instead of the machine's" },
    'disable-content-trust': { kind: 'bool', hidden: true, help: 'Without effect, as in Podman' },
    os: { kind: 'string', help: "Choose an image of this operating system instead of the machine's" },
    platform: { kind: 'string', word: 'os/arch[/variant]', help: 'Choose an image of this platform' },
    policy: { kind: 'string', help: 'When to fetch it: always, missing, never, newer', default: 'always' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    ...accessFlags,
    variant: { kind: 'string', help: "Choose an image of this variant instead of the machine's" },
  }),
  unsupported: { 'decryption-key': '', retry: '', 'retry-delay': '' },
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    const platform = platformOf(flags);
    const access = toAccess(flags, context);
    const policy = parsePullPolicy(flags.policy);
    const api = await context.engine();
    const failures: unknown[] = [];
    for (const reference of positionals) {
      const display = progressDisplay({ quiet: flags.quiet === true });
      try {
        const items = api.image.pull(
          {
            reference,
            workingDirectory: context.workingDirectory,
            ...(flags['all-tags'] === true ? { allTags: true } : {}),
            ...(policy === undefined ? {} : { policy }),
            ...(platform === undefined ? {} : { platform }),
            ...access,
          },
          { signal: context.signal },
        );
        for await (const item of items) {
          if (item.kind === 'progress') await display.show(item.progress);
          else {
            await display.finish();
            await print(`${item.id}\n`);
          }
        }
      } catch (error) {
        await display.finish();
        failures.push(error);
      }
    }
    return reportFailures(failures, context);
  },
});
