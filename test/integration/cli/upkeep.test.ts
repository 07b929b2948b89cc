/** system check --repair, reset, migrate; history and image tree. As root and as an ordinary user. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';

const starter = 'localhost/selkie/starter:latest';

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(title, () => {
    let actor: Actor;
    beforeAll(() => {
      actor = new Actor(name);
      actor.must(['load', '-q', '-i', actor.starterImage]);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const layer = (): string =>
      join(actor.graphRoot, 'overlay', readdirSync(join(actor.graphRoot, 'overlay')).find((entry) => entry.startsWith('sha256-')) ?? '');
    const forget = (sql: string): void => {
      using database = new DatabaseSync(join(actor.graphRoot, 'selkie.db'));
      database.exec(`PRAGMA foreign_keys = ON; ${sql}`);
    };

    test('history and image tree', () => {
      expect(actor.must(['history', starter])).toMatch(
        /^ID +CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} .*selkie: busybox-static.* 2\.14 MB/,
      );
      expect(actor.must(['history', '-q', '--no-trunc', starter])).toMatch(/^[0-9a-f]{64}$/);
      expect(JSON.parse(actor.must(['history', '--format', 'json', starter]))).toMatchObject([
        { CreatedBy: expect.stringContaining('busybox') as string, size: 2_142_720 },
      ]);
      expect(actor.must(['image', 'tree', starter])).toMatch(
        /^Image ID: [0-9a-f]{12}\nTags: {5}\[localhost\/selkie\/starter:latest\]\nSize: {5}2\.143MB\nImage Layers\n└── ID: [0-9a-f]{12} Size: 2\.143MB Top Layer of: /,
      );
      expect(actor.selkie(['history', 'nosuch'])).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('nosuch: image not known') as string,
      });
      expect(actor.selkie(['image', 'exists', 'nosuch']).code).toBe(1);
    });

    test('--repair removes what nobody refers to, after a yes, and leaves what is needed', () => {
      expect(actor.must(['system', 'check', '--repair'])).toBe('The store is whole: there is nothing to repair.');
      actor.must(['create', '--name', 'lost', starter]);
      forget("DELETE FROM containers WHERE name = 'lost'");
      actor.command('mkdir', ['-p', join(actor.graphRoot, 'trash', 'abcdef012345')]);
      const plan = actor.selkie(['system', 'check', '--repair'], { input: 'n\n' });
      expect(plan).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/writable layer[\s\S]*log of container[\s\S]*abcdef012345[\s\S]*\[y\/N\]/) as string,
      });
      expect(existsSync(join(actor.graphRoot, 'trash', 'abcdef012345'))).toBe(true);
      expect(actor.selkie(['system', 'check', '--repair', '--force']).code).toBe(0);
      expect(existsSync(join(actor.graphRoot, 'trash', 'abcdef012345'))).toBe(false);
      expect(readdirSync(join(actor.graphRoot, 'containers'))).toEqual([]);
      expect(actor.must(['run', '--rm', '--network', 'none', starter, 'echo', 'whole'])).toBe('whole');
    });

    test('a damaged layer that an image needs is named with what heals it, and left; one that nobody needs goes', () => {
      const place = layer();
      renameSync(join(place, 'diff'), join(place, 'aside'));
      const check = actor.selkie(['system', 'check', '--repair', '--force']);
      expect(check).toMatchObject({
        code: 1,
        stdout: expect.stringContaining(`needed by ${starter}: selkie load of the archive that it came from brings it again`) as string,
      });
      expect(existsSync(place)).toBe(true);
      actor.must(['rmi', '--no-trash', starter]);
      expect(actor.must(['system', 'check', '--repair', '--force'])).toBe('The store is whole: there is nothing to repair.');
      actor.must(['load', '-q', '-i', actor.starterImage]);
      forget('DELETE FROM images');
      expect(actor.selkie(['system', 'check', '--repair', '--force'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('deleted 1 layer that') as string,
      });
      expect(readdirSync(join(actor.graphRoot, 'overlay')).filter((entry) => entry.startsWith('sha256-'))).toEqual([]);
      actor.must(['load', '-q', '-i', actor.starterImage]);
    });

    test('migrate stops what runs and ends the pause process; the store is as before', () => {
      const id = actor.must(['run', '-d', '--network', 'none', starter, 'sleep', '1000']);
      expect(actor.must(['system', 'migrate'])).toBe(`stopped ${id}`);
      expect(existsSync(join(actor.tmpDirectory, 'pause.pid'))).toBe(false);
      expect(actor.must(['ps', '-a', '--format', '{{.State}}'])).toBe('exited');
      actor.must(['rm', '-a', '--no-trash']);
      expect(actor.selkie(['system', 'migrate', '--new-runtime', 'runc'])).toMatchObject({ code: 125 });
    });

    test('reset asks, then leaves nothing of ours and everything else', () => {
      actor.must(['run', '-d', '--network', 'none', '-v', 'data:/data', starter, 'sleep', '1000']);
      actor.must(['volume', 'create', 'trashed']);
      actor.must(['volume', 'rm', 'trashed']);
      writeFileSync(join(actor.graphRoot, 'mine'), 'x');
      expect(actor.selkie(['system', 'reset'], { input: 'n\n' })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('all containers') as string,
      });
      expect(actor.must(['ps', '-q'])).not.toBe('');
      expect(actor.selkie(['system', 'reset', '--force'])).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('mine is not ours') as string,
      });
      expect(readdirSync(actor.graphRoot)).toEqual(['mine']);
      expect(existsSync(actor.runRoot)).toBe(false);
      expect(actor.mounts().filter((line) => line.includes('/overlay/'))).toEqual([]);
      expect(actor.must(['images', '-q'])).toBe('');
      actor.must(['load', '-q', '-i', actor.starterImage]);
      expect(actor.must(['run', '--rm', '--network', 'none', starter, 'echo', 'again'])).toBe('again');
    });
  });
}
