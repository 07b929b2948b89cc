/** A disk on which there is no room at all: what that stops says so, and removing is the way out. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';

const starter = 'localhost/selkie/starter:latest';

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(`a full disk: ${title}`, () => {
    let actor: Actor;
    const fill = (leftBytes = 0) => {
      const { bavail, bsize } = statfsSync(actor.graphRoot);
      writeFileSync(join(actor.graphRoot, 'ballast'), Buffer.alloc(bavail * bsize - leftBytes), { flag: 'a' });
      expect(statfsSync(actor.graphRoot).bavail * bsize).toBe(leftBytes);
    };
    const empty = () => rmSync(join(actor.graphRoot, 'ballast'), { force: true });

    beforeAll(() => {
      actor = new Actor(name);
      const { uid, gid } = statSync(actor.directory);
      mkdirSync(actor.graphRoot);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m,mode=700', 'tmpfs', actor.graphRoot]);
      chownSync(actor.graphRoot, uid, gid);
      actor.must(['load', '-q', '-i', actor.starterImage]);
      actor.must(['create', '--name', 'box', starter, 'true']);
    });
    afterAll(async () => {
      execFileSync('umount', ['-l', actor.graphRoot]);
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    test('what is there can be listed; what needs room says that there is none', () => {
      fill();
      expect(actor.must(['ps', '-a', '--format', '{{.Names}}'])).toBe('box');
      // More than what is set aside for commands that take little.
      const { code, stderr } = actor.selkie(['import', '-q', actor.starterImage, 'localhost/again:1']);
      expect(code).toBe(125);
      expect(stderr).toMatch(/^Error: .*(disk is full|no space|full disk)/i);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(actor.must(['images', '--format', '{{.Repository}}'])).toBe('localhost/selkie/starter');
    });

    test('a commit for which there is no room leaves no image, and the container as it was', () => {
      empty();
      const script = 'mkdir /data; for i in 0 1 2 3 4 5 6 7 8 9; do cp /bin/busybox /data/$i; done';
      actor.must(['run', '--name', 'full', '--network', 'none', starter, 'sh', '-c', script]);
      const changed = actor.must(['diff', 'full']);
      const images = actor.must(['images', '-a', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}']);
      for (const leftBytes of [0, 64 * 1024, 1024 * 1024, 4 * 1024 * 1024]) {
        empty();
        fill(leftBytes);
        const { code, stdout, stderr } = actor.selkie(['commit', '-q', 'full', 'localhost/committed:1']);
        expect({ code, stdout }, `${leftBytes} bytes left`).toEqual({ code: 125, stdout: '' });
        expect(
          stderr
            .trimEnd()
            .split('\n')
            .filter((line) => line.startsWith('Error: ')),
        ).toHaveLength(1);
        expect(stderr).toMatch(/no space|full/i);
        expect(stderr).not.toMatch(/\n\s+at /);
        expect(actor.must(['images', '-a', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}'])).toBe(images);
        expect(actor.must(['diff', 'full'])).toBe(changed);
      }
      empty();
      expect(actor.must(['system', 'check'])).not.toMatch(/half|damaged|missing-layer|orphan/);
      actor.must(['commit', '-q', 'full', 'localhost/committed:1']);
      const same = 'cmp /bin/busybox /data/0 && cmp /bin/busybox /data/9 && echo same';
      expect(actor.must(['run', '--rm', '--network', 'none', 'localhost/committed:1', 'sh', '-c', same])).toBe('same');
      actor.must(['rm', '--no-trash', 'full']);
      actor.must(['rmi', '--no-trash', 'localhost/committed:1']);
    });

    test('containers and images can be removed, and then there is room', () => {
      fill();
      expect(actor.must(['rm', '--no-trash', 'box'])).toBe('box');
      fill();
      expect(actor.selkie(['rmi', '--no-trash', starter])).toMatchObject({ code: 0 });
      expect(actor.must(['images', '-q'])).toBe('');
      empty();
      actor.must(['load', '-q', '-i', actor.starterImage]);
      expect(actor.must(['run', '--rm', '--network', 'none', starter, 'echo', 'room'])).toBe('room');
    });

    test('the trash can be emptied', () => {
      actor.must(['rmi', starter]);
      fill();
      expect(actor.selkie(['trash', 'empty', '--force'])).toMatchObject({ code: 0 });
      empty();
      expect(actor.must(['system', 'check', '--repair', '--force'])).toContain('The store is whole');
    });
  });
}
