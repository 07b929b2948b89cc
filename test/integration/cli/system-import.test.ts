/** selkie system import, as a person types it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { oddTar } from '../adopt/trees.ts';
import { Podman, hasPodman } from '../image/peers.ts';

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(`system import, ${title}`, () => {
    let actor: Actor;
    beforeAll(() => {
      actor = new Actor(name);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    test('what is not there, and what cannot be, is said in one line', () => {
      expect(actor.selkie(['system', 'import'])).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('--from is needed') as string,
      });
      expect(actor.selkie(['system', 'import', '--from', 'lxc']).stderr).toContain('--from "lxc" is not known');
      expect(actor.selkie(['system', 'import', '--from', 'docker', '--volumes'])).toMatchObject({
        code: 125,
        stderr: expect.stringContaining("Docker's volumes are not imported") as string,
      });
      const nothing = actor.selkie(['system', 'import', '--from', 'podman', '--root', join(actor.directory, 'nosuch')]);
      expect(nothing).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: there is no store in .*nosuch/) as string });
      const empty = actor.selkie(['system', 'import', '--from', 'podman', '--root', actor.directory]);
      expect(empty.stderr).toMatch(/^Error: there is no image and no volume of Podman's in /);
    });

    test.skipIf(name === 'root' || process.getuid?.() !== 0)('a store that only root may read is refused with what to do', () => {
      const folder = mkdtempSync('/tmp/selkie-foreign-');
      try {
        const result = actor.selkie(['system', 'import', '--from', 'docker', '--root', folder]);
        expect(result).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(/can be read only by its owner[\s\S]*docker save/) as string,
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test.skipIf(!hasPodman || name !== 'root')(
      `a plan, a question, the copy, and a container of it ${hasPodman ? '' : '(needs podman)'}`,
      () => {
        using podman = new Podman('overlay');
        podman.run('load', '-q', '-i', actor.starterImage);
        podman.run('import', '-q', oddTar(join(actor.directory, 'odd')), 'localhost/odd:1');
        podman.run('volume', 'create', 'data');
        const source = ['system', 'import', '--from', 'podman', '--root', podman.graphRoot];
        const plan = JSON.parse(actor.must([...source, '--dry-run', '--format', 'json'])) as {
          images: object[];
          volumes: object[];
          copyBytes: number;
        };
        expect(plan.images).toHaveLength(2);
        expect(plan.copyBytes).toBeGreaterThan(5_000_000);
        expect(actor.selkie(source, { input: 'n\n' })).toMatchObject({
          code: 1,
          stdout: expect.stringMatching(
            /^KIND +ID +NAME +SIZE +ACTION\n[\s\S]*volume +- +data [\s\S]* are copied from .*, which is only read\.\n.*\[y\/N\]/,
          ) as string,
        });
        expect(actor.must(['images', '-q'])).toBe('');
        const done = actor.selkie([...source, '--force']);
        expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining('Copying blob sha256:') as string });
        expect(done.stdout).toMatch(/Imported image: localhost\/selkie\/starter:latest\n/);
        expect(done.stdout).toMatch(/Imported volume: data\n/);
        expect(actor.must(['run', '--rm', '--network', 'none', '-v', 'data:/data', 'localhost/selkie/starter', 'echo', 'adopted'])).toBe(
          'adopted',
        );
        const again = actor.selkie([...source, '--force']);
        expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('There is nothing to copy.') as string });
        expect(actor.must(['system', 'check', '--repair', '--force'])).toBe('The store is whole: there is nothing to repair.');
      },
    );
  });
}
