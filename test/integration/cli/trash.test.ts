/** What is removed can be brought back; what is pruned is what the plan said; what takes the disk adds up. As root and as an ordinary user. */
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { type TestImage, makeImage, makeTar, noise } from '../image/test-image.ts';

const starter = 'localhost/selkie/starter:latest';

interface Item {
  readonly Id: string;
  readonly Kind: string;
  readonly Names: string[];
  readonly Size: number;
}

interface Usage {
  readonly Type: string;
  readonly Total: number;
  readonly RawSize: number;
  readonly RawReclaimable: number;
}

async function archive(image: TestImage, tags: readonly string[]): Promise<Buffer> {
  const layers = Object.fromEntries(image.layers.map(({ tar }, index) => [`${String(index)}.tar`, tar]));
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: tags, Layers: Object.keys(layers) }]);
  return makeTar({ ...layers, 'config.json': image.config.bytes, 'manifest.json': manifest });
}

for (const { actor: name, skip, title } of actors()) {
  describe.skipIf(skip)(title, () => {
    let actor: Actor;
    beforeAll(async () => {
      actor = new Actor(name);
      actor.must(['load', '-q', '-i', actor.starterImage]);
      const [base, one, two] = await Promise.all(['base', 'one', 'two'].map((seed) => makeTar({ [seed]: noise(40_000, seed) })));
      if (!base || !one || !two) throw new Error('no layers');
      const make = async (layer: Buffer, tag: string): Promise<void> => {
        const path = join(actor.directory, 'home', `${tag.slice('localhost/'.length, -2)}.tar`);
        writeFileSync(path, await archive(makeImage([base, layer]), [tag]), { mode: 0o644 });
        actor.must(['load', '-q', '-i', path]);
      };
      await make(one, 'localhost/one:1');
      await make(two, 'localhost/two:1');
    });
    /** Back to three images and nothing else. */
    afterEach(() => {
      actor.must(['rm', '-af', '-t', '0', '--no-trash']);
      actor.must(['volume', 'rm', '-af', '--no-trash']);
      for (const { Id } of items().filter(({ Kind }) => Kind === 'image')) actor.must(['trash', 'restore', Id]);
      actor.must(['trash', 'empty', '-f']);
      expect(actor.must(['images', '-q']).split('\n')).toHaveLength(3);
    });
    afterAll(async () => {
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const items = (): Item[] => JSON.parse(actor.must(['trash', 'ls', '--format', 'json'])) as Item[];
    const usage = (type: string): Usage | undefined =>
      (JSON.parse(actor.must(['system', 'df', '--format', 'json'])) as Usage[]).find(({ Type }) => Type === type);
    const run = (...args: string[]): string => actor.must(['run', '--network', 'none', ...args]);
    /** Everything in the store that takes space but its database. */
    const storeBytes = (): number => {
      const list = actor.command('sh', [
        '-c',
        `cd ${actor.graphRoot} && find overlay content trash volumes containers -type f -printf '%s\\n' 2>/dev/null || true`,
      ]);
      return actor.name === 'root' ? list.stdout.split('\n').reduce((sum, line) => sum + Number(line), 0) : 0;
    };

    describe('volumes', () => {
      test('a removed one is in the trash, its name is free, and it comes back with its data', () => {
        run('--rm', '-v', 'data:/data', starter, 'sh', '-c', 'echo kept > /data/file');
        expect(actor.must(['volume', 'rm', 'data'])).toBe('data');
        expect(actor.must(['volume', 'ls', '-q'])).toBe('');
        expect(items()).toMatchObject([{ Kind: 'volume', Names: ['data'] }]);
        actor.must(['volume', 'create', 'data']);
        const taken = actor.selkie(['trash', 'restore', 'data']);
        expect(taken).toMatchObject({ code: 125, stderr: expect.stringContaining('there is another volume data') as string });
        expect(actor.must(['trash', 'restore', '--name', 'old', 'data'])).toBe('old');
        expect(run('--rm', '-v', 'old:/data', starter, 'cat', '/data/file')).toBe('kept');
        expect(run('--rm', '-v', 'data:/data', starter, 'ls', '/data')).toBe('');
        expect(items()).toEqual([]);
      });

      test('--no-trash deletes at once', () => {
        actor.must(['volume', 'create', 'gone']);
        actor.must(['volume', 'rm', '--no-trash', 'gone']);
        expect(items()).toEqual([]);
        expect(actor.selkie(['trash', 'restore', 'gone'])).toMatchObject({
          code: 125,
          stderr: expect.stringContaining('nothing in the trash') as string,
        });
      });

      test('--force takes the containers along, and is content when there is none', () => {
        actor.must(['create', '--name', 'user', '-v', 'used:/data', starter]);
        expect(actor.selkie(['volume', 'rm', 'used'])).toMatchObject({ code: 2, stderr: expect.stringContaining('user') as string });
        expect(actor.must(['volume', 'rm', '--force', 'used', 'nosuch'])).toBe('used');
        expect(actor.must(['ps', '-aq'])).toBe('');
      });

      test('anonymous ones go and come with their container', () => {
        run('--name', 'keeper', '-v', '/data', starter, 'sh', '-c', 'echo here > /data/file');
        actor.must(['rm', '-v', 'keeper']);
        expect(
          items()
            .map(({ Kind }) => Kind)
            .sort(),
        ).toEqual(['container', 'volume']);
        actor.must(['trash', 'restore', 'keeper']);
        expect(items()).toEqual([]);
        expect(actor.must(['volume', 'ls', '-q'])).not.toBe('');
      });
    });

    describe('containers', () => {
      test('one comes back with its files, its log and its exit code, and starts', () => {
        actor.selkie([
          'run',
          '--network',
          'none',
          '--name',
          'first',
          starter,
          'sh',
          '-c',
          'cat /mark || { echo said; echo mark > /mark; exit 3; }',
        ]);
        actor.must(['rm', 'first']);
        expect(actor.must(['ps', '-aq'])).toBe('');
        expect(actor.must(['trash', 'restore', 'first'])).toBe('first');
        expect(actor.must(['logs', 'first'])).toContain('said');
        expect(actor.must(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'first'])).toBe('exited 3');
        expect(actor.must(['start', '-a', 'first'])).toBe('mark');
      });

      test('without its image it still comes back; deleted for good, the layers go with it', () => {
        actor.must(['create', '--name', 'made', 'localhost/one:1']);
        actor.must(['rm', 'made']);
        actor.must(['rmi', '--no-trash', 'localhost/one:1']);
        actor.must(['trash', 'restore', 'made']);
        expect(actor.must(['ps', '-a', '--format', '{{.Names}}'])).toBe('made');
        actor.must(['rm', 'made']);
        const before = actor.must(['system', 'check', '--format', 'json']);
        expect(JSON.parse(before)).toMatchObject({ store: [] });
        actor.must(['trash', 'empty', '-f']);
        const layers = readdirSync(join(actor.graphRoot, 'overlay')).filter((entry) => entry.startsWith('sha256-'));
        // The starter's, the base and two's.
        expect(layers).toHaveLength(3);
        actor.must(['load', '-q', '-i', join(actor.directory, 'home', 'one.tar')]);
      });

      test('one that removes itself does not go to the trash', () => {
        run('--rm', starter, 'true');
        expect(items()).toEqual([]);
      });
    });

    describe('images', () => {
      test('one comes back with those of its names that are free', () => {
        const id = actor.must(['images', '-q', '--no-trunc', 'localhost/one:1']).replace('sha256:', '');
        actor.must(['tag', 'localhost/one:1', 'localhost/also:1']);
        actor.must(['rmi', '-f', id]);
        actor.must(['tag', 'localhost/two:1', 'localhost/also:1']);
        const restored = actor.selkie(['trash', 'restore', 'one:1']);
        expect(restored).toMatchObject({
          code: 0,
          stdout: 'localhost/one:1\n',
          stderr: expect.stringContaining('without the name localhost/also:1') as string,
        });
        actor.must(['untag', 'localhost/two:1', 'localhost/also:1']);
      });

      test('loaded again while it is in the trash, nothing is unpacked, and both are one', () => {
        actor.must(['rmi', starter]);
        actor.must(['load', '-q', '-i', actor.starterImage]);
        actor.must(['trash', 'empty', '-f']);
        expect(run('--rm', starter, 'echo', 'whole')).toBe('whole');
      });
    });

    describe('prune', () => {
      test('without --force shows the plan, asks, and does nothing without a yes', () => {
        actor.must(['create', '--name', 'idle', '-v', 'vol:/v', starter]);
        const plan = actor.selkie(['system', 'prune', '-a', '--volumes'], { input: 'n\n' });
        expect(plan.code).toBe(0);
        expect(plan.stdout).toMatch(/^WARNING! This command removes:\n\t- all stopped containers\n/);
        for (const word of ['idle', 'vol', 'localhost/one:1', 'localhost/two:1', '(also removed)', '[y/N]'])
          expect(plan.stdout).toContain(word);
        expect(actor.selkie(['image', 'prune', '-a'], { input: '' })).toMatchObject({ code: 125 });
        expect(actor.must(['ps', '-a', '--format', '{{.Names}}'])).toBe('idle');
        expect(actor.must(['images', '-q']).split('\n')).toHaveLength(3);
      });

      test('what df calls reclaimable is what pruning takes, layers counted once', () => {
        actor.must(['create', '--name', 'idle', starter]);
        actor.must(['volume', 'create', 'unused']);
        const before = ['Images', 'Containers', 'Local Volumes'].map((type) => usage(type)?.RawReclaimable ?? 0);
        // Base and two layers: each once.
        expect(before[0]).toBe((usage('Images')?.RawSize ?? 0) - (starterBytes() ?? 0));
        actor.must(['image', 'prune', '-af']);
        expect(usage('Images')).toMatchObject({ Total: 1, RawReclaimable: 0, RawSize: starterBytes() });
        expect(usage('Trash')?.RawSize).toBe(before[0]);
        actor.must(['container', 'prune', '-f']);
        actor.must(['volume', 'prune', '-f']);
        expect(usage('Trash')?.RawSize).toBe(before.reduce((sum, bytes) => sum + bytes, 0));
        const bytes = storeBytes();
        actor.must([
          'trash',
          'empty',
          '-f',
          ...items()
            .filter(({ Kind }) => Kind !== 'image')
            .map(({ Id }) => Id),
        ]);
        if (actor.name === 'root') expect(storeBytes()).toBeLessThanOrEqual(bytes);
      });

      const starterBytes = (): number | undefined =>
        (JSON.parse(actor.must(['images', '--format', 'json', starter])) as { Size: number }[])[0]?.Size;

      test('never takes what a tag, a container or a volume refers to', () => {
        actor.must(['create', '--name', 'user', '-v', 'used:/v', 'localhost/one:1']);
        actor.must(['untag', 'localhost/two:1']);
        expect(actor.must(['image', 'prune', '-f'])).toMatch(/^[0-9a-f]{64}$/);
        expect(actor.must(['volume', 'prune', '-f'])).toBe('');
        actor.must(['image', 'prune', '-af']);
        expect(actor.must(['images', '--format', '{{.Repository}}'])).toBe('localhost/one');
        actor.must([
          'trash',
          'restore',
          ...items()
            .filter(({ Kind }) => Kind === 'image')
            .map(({ Id }) => Id),
        ]);
        const id = actor.must(['images', '-q', '--filter', 'dangling=true']);
        actor.must(['tag', id, 'localhost/two:1']);
      });

      test('filters: until and labels', () => {
        actor.must(['create', '--name', 'a', '--label', 'keep=1', starter]);
        actor.must(['create', '--name', 'b', starter]);
        expect(actor.must(['container', 'prune', '-f', '--filter', 'until=1h'])).toBe('');
        expect(actor.selkie(['container', 'prune', '-f', '--filter', 'nosuch=1'])).toMatchObject({
          code: 125,
          stderr: expect.stringContaining('nosuch is an invalid filter') as string,
        });
        actor.must(['container', 'prune', '-f', '--filter', 'label!=keep']);
        expect(actor.must(['ps', '-a', '--format', '{{.Names}}'])).toBe('a');
        actor.must(['container', 'prune', '-f', '--filter', 'label=keep=1']);
        expect(actor.must(['ps', '-aq'])).toBe('');
      });
    });

    describe('SIGKILL', () => {
      /** Ends a command after so long; whatever it was doing, nothing may be lost. */
      async function killed(args: string[], afterMs: number): Promise<void> {
        const child = actor.start(args);
        const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
        await once(child, 'exit');
        clearTimeout(timer);
      }

      test('in the middle of prune and restore: each thing is there or in the trash, and comes back whole', async () => {
        const names = Array.from({ length: 6 }, (_, index) => `v${String(index)}`);
        for (const volume of names) actor.must(['volume', 'create', volume]);
        run(
          '--rm',
          ...names.flatMap((volume) => ['-v', `${volume}:/${volume}`]),
          starter,
          'sh',
          '-c',
          'for i in 0 1 2 3 4 5; do echo $i > /v$i/file; done',
        );
        for (let round = 0; round < 8; round++) {
          await killed(['volume', 'prune', '-f'], 150 + round * 17);
          const there = actor
            .must(['volume', 'ls', '-q'])
            .split('\n')
            .filter((word) => word !== '');
          const trashed = items().filter(({ Kind }) => Kind === 'volume');
          expect([...there, ...trashed.flatMap(({ Names }) => Names)].sort()).toEqual(names);
          await killed(['trash', 'restore', ...trashed.map(({ Id }) => Id), ...(trashed.length === 0 ? ['none'] : [])], 150 + round * 19);
          for (const { Id } of items()) actor.must(['trash', 'restore', Id]);
          expect(actor.must(['volume', 'ls', '-q']).split('\n').sort()).toEqual(names);
        }
        expect(run('--rm', ...names.flatMap((volume) => ['-v', `${volume}:/${volume}`]), starter, 'sh', '-c', 'cat /v?/file')).toBe(
          '0\n1\n2\n3\n4\n5',
        );
        expect(JSON.parse(actor.must(['system', 'check', '--format', 'json']))).toMatchObject({ store: [] });
        expect(statSync(join(actor.graphRoot, 'volumes')).isDirectory()).toBe(true);
      });
    });
  });
}
