import { EngineError } from '../../../base/errors.ts';
import { command } from '../command.ts';
import { parsePullPolicy } from '../options/container-spec.ts';
import { flagTable } from '../options/flags.ts';
import { platformOf } from '../options/platform.ts';
import { print } from '../output/print.ts';
import { progressDisplay } from '../output/progress.ts';
import { reportFailures } from '../targets.ts';

export const pull = command({
  name: 'pull',
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Fetch images from a registry.',
  examples: ['pull alpine', 'pull --platform linux/arm64 docker.io/library/debian:12'],
  flags: flagTable({
    arch: { kind: 'string', help: "Choose an image of this architecture instead of the machine's" },
    authfile: { kind: 'string', word: 'path', help: 'File with credentials' },
    'cert-dir': { kind: 'string', word: 'path', help: 'Folder with certificates' },
    creds: { kind: 'string', word: 'user:password', help: 'Credentials for the registry' },
    'disable-content-trust': { kind: 'bool', hidden: true, help: 'Without effect, as in Podman' },
    os: { kind: 'string', help: "Choose an image of this operating system instead of the machine's" },
    platform: { kind: 'string', word: 'os/arch[/variant]', help: 'Choose an image of this platform' },
    policy: { kind: 'string', help: 'When to fetch it: always, missing, never, newer', default: 'always' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    'tls-verify': { kind: 'bool', help: 'Require HTTPS and a certificate that can be trusted', default: 'true' },
    variant: { kind: 'string', help: "Choose an image of this variant instead of the machine's" },
  }),
  unsupported: { 'all-tags': '', 'decryption-key': '', retry: '', 'retry-delay': '' },
  arguments: [1, Infinity],
  async run({ flags, positionals }, context) {
    if (flags.creds !== undefined && !flags.creds.includes(':'))
      throw new EngineError('invalid-argument', '--creds needs a user and a password', { fix: 'write --creds user:password' });
    const platform = platformOf(flags);
    const policy = parsePullPolicy(flags.policy);
    const api = await context.engine();
    const failures: unknown[] = [];
    for (const reference of positionals) {
      const display = progressDisplay({ quiet: flags.quiet === true });
      try {
        const items = api.image.pull(
          {
            reference: reference.replace(/^docker:\/\//, ''),
            ...(policy === undefined ? {} : { policy }),
            ...(platform === undefined ? {} : { platform }),
            ...(flags['tls-verify'] === undefined ? {} : { tlsVerify: flags['tls-verify'] }),
            ...(flags.creds === undefined ? {} : { credentials: flags.creds }),
            ...(flags.authfile === undefined ? {} : { authFile: flags.authfile }),
            ...(flags['cert-dir'] === undefined ? {} : { certDirectory: flags['cert-dir'] }),
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
