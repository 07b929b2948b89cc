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
    const fill = () => {
      const { bavail, bsize } = statfsSync(actor.graphRoot);
      writeFileSync(join(actor.graphRoot, 'ballast'), Buffer.alloc(bavail * bsize), { flag: 'a' });
      expect(statfsSync(actor.graphRoot).bavail).toBe(0);
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
