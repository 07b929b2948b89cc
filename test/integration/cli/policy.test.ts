/** A machine without policy.json, as Podman takes it: nothing comes in but what came with the product. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';

const root = actors().find(({ actor }) => actor === 'root');
const skip = root?.skip !== false || !existsSync('/etc/containers');

describe.skipIf(skip)(
  `without a policy, ${root?.title ?? ''}${existsSync('/etc/containers') ? '' : ' (there is no /etc/containers to hide)'}`,
  () => {
    test('the starter image comes in; a pull and another archive are refused with what to do', async () => {
      await using actor = new Actor('root');
      // The first command makes the namespace that the later ones join: none of them sees the machine's policy.
      const hidden = 'mount --make-rprivate / && mount -t tmpfs none /etc/containers && exec "$@"';
      const first = [actor.launcher, ...actor.globalOptions, 'load', '-i', actor.starterImage];
      expect(actor.command('unshare', ['--mount', 'sh', '-c', hidden, 'sh', ...first])).toMatchObject({ code: 0 });
      const other = join(actor.directory, 'other.tar');
      copyFileSync(actor.starterImage, other);
      for (const args of [
        ['load', '-i', other],
        ['pull', 'localhost:1/x'],
      ]) {
        const { code, stderr } = actor.selkie(args);
        expect(code).toBe(125);
        expect(stderr).toMatch(/^Error: .* is refused: .*\/etc\/containers\/policy\.json: no such file or directory\n/m);
        expect(stderr).toMatch(/^Fix: install .* or write .*"insecureAcceptAnything"/m);
      }
      expect(actor.must(['run', '--rm', '--network', 'none', 'localhost/selkie/starter', 'echo', 'runs'])).toBe('runs');
    });
  },
);
