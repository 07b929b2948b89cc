/** Additional image stores (containers-storage.conf(5)): what another store of ours has can be used, and nothing is ever written there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Actor, actors } from '../../support/actor.ts';
import { makeImage, makeTar, type TestImage } from '../image/test-image.ts';
import { pushImage, registryProgram, serveBefore, TestRegistry } from '../image/test-registry.ts';

const starter = 'localhost/selkie/starter:latest';
const insecure = '--tls-verify=false';

/** Of every name, mode, owner, time of change and content below a folder. */
function treeDigest(directory: string): string {
  const hash = createHash('sha256');
  const walk = (path: string): void => {
    const stat = lstatSync(path);
    hash.update(
      `${path.slice(directory.length)} ${[stat.mode, stat.uid, stat.gid, stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino].join(' ')}\n`,
    );
    if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stat.isFile()) hash.update(readFileSync(path));
    else if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
  };
  walk(directory);
  return hash.digest('hex');
}

describe.each(actors())('additional image stores $title', ({ actor: name, skip }) => {
  describe.skipIf(skip)('by the command line', () => {
    let actor: Actor;
    let shared: string;
    let before: string;
    let base: string[];

    beforeAll(() => {
      actor = new Actor(name);
      shared = join(actor.environment['HOME'] ?? '', 'shared');
      const inShared = (args: readonly string[]) =>
        actor.command(actor.launcher, [
          '--root',
          shared,
          '--runroot',
          join(actor.directory, 'shared-run'),
          '--tmpdir',
          actor.tmpDirectory,
          ...args,
        ]);
      expect(inShared(['load', '-q', '-i', actor.starterImage])).toMatchObject({ code: 0 });
      const program = 'mkdir -p /kept /hidden; echo deep >/kept/file; echo gone >/hidden/file';
      expect(inShared(['run', '--name', 'one', '--network', 'none', starter, 'sh', '-c', program])).toMatchObject({ code: 0 });
      expect(inShared(['commit', '-q', 'one', 'localhost/team/tools:1'])).toMatchObject({ code: 0 });
      const second = 'rm -r /hidden; mkdir /hidden; echo new >/hidden/other; rm /kept/file';
      expect(inShared(['run', '--name', 'two', '--network', 'none', 'team/tools:1', 'sh', '-c', second])).toMatchObject({ code: 0 });
      expect(inShared(['commit', '-q', 'two', 'localhost/team/tools:2'])).toMatchObject({ code: 0 });
      expect(inShared(['rm', '--no-trash', '-a'])).toMatchObject({ code: 0 });
      before = treeDigest(shared);
      base = ['--storage-opt', `overlay.imagestore=${shared}`];
    });
    beforeEach(() => {
      use(['rm', '-a', '-f', '--no-trash']);
      use(['rmi', '-a', '-f', '--no-trash']);
    });
    afterAll(async () => {
      use(['rm', '-a', '-f', '--no-trash']);
      expect(treeDigest(shared)).toBe(before);
      const leaks = await actor.leaks();
      await actor[Symbol.asyncDispose]();
      expect(leaks).toEqual([]);
    });

    const use = (args: readonly string[], stores = base) => actor.selkie([...stores, ...args]);
    const must = (args: readonly string[], stores = base): string => {
      const { code, stdout, stderr } = use(args, stores);
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}: ${stderr}`);
      return stdout.trim();
    };
    const rows = (...more: string[]) =>
      must(['images', '--noheading', '--format', '{{.Repository}}:{{.Tag}} {{.ReadOnly}}', ...more])
        .split('\n')
        .filter(Boolean)
        .sort();
    const idOf = (image: string) => must(['images', '-q', '--no-trunc', image]).replace('sha256:', '');

    test('are listed as read-only, found, inspected, and run', () => {
      const all = [`${starter} true`, 'localhost/team/tools:1 true', 'localhost/team/tools:2 true'];
      expect(rows()).toEqual(all);
      expect(rows('--filter', 'readonly=true')).toEqual(all);
      expect(rows('--filter', 'readonly=false')).toEqual([]);
      expect(must(['images'])).toMatch(/SIZE +R\/O\n/);
      expect(JSON.parse(must(['images', '--format', 'json']))).toMatchObject([{ ReadOnly: true }, { ReadOnly: true }, { ReadOnly: true }]);
      // Two engines of different layers: what is hidden there is hidden here.
      const seen = must([
        'run',
        '--rm',
        '--network',
        'none',
        'team/tools:2',
        'sh',
        '-c',
        'ls /kept /hidden; echo own >/kept/own; cat /kept/own',
      ]);
      expect(seen.split('\n')).toEqual(['/hidden:', 'other', '', '/kept:', 'own']);
      expect(must(['run', '--rm', '--network', 'none', 'team/tools:1', 'cat', '/kept/file'])).toBe('deep');
      const [inspected] = JSON.parse(must(['image', 'inspect', 'team/tools:2'])) as {
        Id: string;
        RootFS: { Layers: string[] };
        GraphDriver: { Data: { LowerDir: string } };
      }[];
      expect(inspected?.RootFS.Layers).toHaveLength(3);
      expect(must(['history', '--format', '{{.CreatedBy}}', 'team/tools:2'])).not.toBe('');
      expect(must(['image', 'tree', 'team/tools:2'])).toContain('tools:2');
      expect(treeDigest(shared)).toBe(before);
    });

    test('changes of a container are told and committed here; saved and loaded again it is the same', () => {
      must(['run', '--name', 'changed', '--network', 'none', 'team/tools:2', 'sh', '-c', 'echo x >/kept/mine; rm /hidden/other']);
      expect(must(['diff', 'changed']).split('\n').sort()).toEqual(['A /kept/mine', 'C /etc', 'C /hidden', 'C /kept', 'D /hidden/other']);
      must(['commit', '-q', 'changed', 'localhost/mine:1']);
      expect(rows('--filter', 'readonly=false')).toEqual(['localhost/mine:1 false']);
      expect(must(['run', '--rm', '--network', 'none', 'mine:1', 'ls', '/kept', '/hidden']).split('\n')).toEqual([
        '/hidden:',
        '',
        '/kept:',
        'mine',
      ]);
      const archive = join(actor.environment['HOME'] ?? '', 'mine.tar');
      must(['save', '-q', '-o', archive, 'mine:1']);
      const id = idOf('mine:1');
      must(['rm', '--no-trash', 'changed']);
      must(['rmi', '--no-trash', 'mine:1']);
      // Without the additional store, all of it is here.
      const alone = join(actor.environment['HOME'] ?? '', 'alone');
      const elsewhere = (args: string[]) =>
        actor.command(actor.launcher, [
          '--root',
          alone,
          '--runroot',
          join(actor.directory, 'alone-run'),
          '--tmpdir',
          actor.tmpDirectory,
          ...args,
        ]);
      expect(elsewhere(['load', '-q', '-i', archive])).toMatchObject({ code: 0 });
      expect(elsewhere(['images', '-q', '--no-trunc', 'mine:1']).stdout.trim()).toBe(`sha256:${id}`);
      expect(elsewhere(['system', 'check']).stdout).toContain('The store is whole');
    });

    test('are not removed nor pruned, in the words of Podman; a tag makes one here, which goes', () => {
      const id = idOf(starter);
      for (const args of [
        ['rmi', starter],
        ['rmi', '-f', id],
        ['image', 'rm', '--no-trash', id],
      ])
        expect(use(args)).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(new RegExp(`^Error: cannot remove read-only image "${id}"`, 'm')) as string,
        });
      expect(use(['untag', starter])).toMatchObject({ code: 125 });
      expect(use(['rmi', '-a'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
      must(['image', 'prune', '-a', '-f', '--no-trash']);
      expect(rows()).toHaveLength(3);
      must(['tag', starter, 'localhost/x:1']);
      expect(rows('--filter', 'id=' + id)).toEqual(['localhost/selkie/starter:latest true', 'localhost/x:1 false']);
      expect(must(['run', '--rm', '--network', 'none', 'x:1', 'echo', 'ran'])).toBe('ran');
      must(['rmi', '--no-trash', 'localhost/x:1']);
      expect(rows()).toHaveLength(3);
      expect(must(['system', 'check'])).toContain('The store is whole');
      must(['system', 'check', '--repair', '--force']);
      expect(must(['run', '--rm', '--network', 'none', starter, 'echo', 'ran'])).toBe('ran');
    });

    test('storage.conf says it, too', () => {
      const file = join(actor.environment['HOME'] ?? '', 'storage.conf');
      writeFileSync(file, `[storage]\ndriver = "overlay"\n[storage.options]\nadditionalimagestores = ["${shared}"]\n`);
      expect(
        actor
          .selkie(['images', '-q'], { environment: { CONTAINERS_STORAGE_CONF: file } })
          .stdout.trim()
          .split('\n'),
      ).toHaveLength(3);
    });

    test('one that is not there, is no store, is damaged or Podman’s is one line of warning', () => {
      const home = actor.environment['HOME'] ?? '';
      const [missing, empty, damaged, foreign] = ['missing', 'empty', 'damaged', 'foreign'].map((one) => join(home, one)) as [
        string,
        string,
        string,
        string,
      ];
      for (const path of [empty, damaged, join(damaged, 'overlay'), join(foreign, 'overlay-images')]) mkdirSync(path, { recursive: true });
      writeFileSync(join(damaged, 'selkie.db'), 'SQLite format 3\0 and then something else '.repeat(300));
      execFileSync('chown', ['-R', `--reference=${home}`, home]);
      for (const path of [missing, empty, damaged, foreign]) {
        const { code, stdout, stderr } = use(['images', '-q'], ['--storage-opt', `overlay.imagestore=${path}`]);
        expect({ code, stdout }, path).toEqual({ code: 0, stdout: '' });
        expect(stderr, path).toMatch(new RegExp(`^Warning: the additional image store ${path} is not used: [^\\n]+\\n$`));
      }
      // The next one is used all the same.
      expect(must(['images', '-q'], ['--storage-opt', `overlay.imagestore=${missing},${shared}`]).split('\n')).toHaveLength(3);
    });

    test('when it is gone what lies on it says so; what is loaded again is ours from then on', () => {
      must(['create', '--name', 'held', '--network', 'none', 'team/tools:1', 'cat', '/kept/file']);
      renameSync(shared, `${shared}-away`);
      try {
        const gone = use(['images', '-q']);
        expect(gone).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^Warning: [^\n]+ is not there\n$/) as string });
        must(['load', '-q', '-i', actor.starterImage]);
        expect(must(['run', '--rm', '--network', 'none', starter, 'echo', 'ran'])).toBe('ran');
        const { code, stderr } = use(['start', '-a', 'held']);
        expect(code).not.toBe(0);
        expect(stderr).not.toMatch(/\n {4}at /);
      } finally {
        renameSync(`${shared}-away`, shared);
      }
      expect(use(['start', '-a', 'held'])).toMatchObject({ code: 0, stdout: 'deep\n' });
      // The rename is a change of the folder itself.
      before = treeDigest(shared);
    });

    // A rootless engine would have to have it mounted before.
    test.skipIf(name !== 'root')('mounted read-only it serves, also while its database has a log (needs root)', () => {
      const copy = join(actor.directory, 'copy');
      cpSync(shared, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      // The commits of an engine that was killed are in the log alone.
      const script = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(process.argv[1]); d.exec("PRAGMA wal_autocheckpoint=0; UPDATE image_names SET name = 'localhost/logged:1' WHERE name = 'localhost/team/tools:1'"); process.kill(process.pid, 'SIGKILL')`;
      spawnSync(process.execPath, ['-e', script, join(copy, 'selkie.db')]);
      expect(lstatSync(join(copy, 'selkie.db-wal')).size).toBeGreaterThan(0);
      execFileSync('mount', ['--bind', copy, copy]);
      try {
        execFileSync('mount', ['-o', 'remount,bind,ro', copy]);
        const stores = ['--storage-opt', `overlay.imagestore=${copy}`];
        const was = treeDigest(copy);
        expect(must(['images', '--format', '{{.Repository}}:{{.Tag}}', '--noheading'], stores).split('\n')).toContain('localhost/logged:1');
        expect(must(['run', '--rm', '--network', 'none', 'logged:1', 'cat', '/kept/file'], stores)).toBe('deep');
        expect(treeDigest(copy)).toBe(was);
      } finally {
        execFileSync('umount', [copy]);
        rmSync(copy, { recursive: true });
      }
    });

    describe.skipIf(registryProgram === undefined)(
      `and a registry${registryProgram === undefined ? ' (docker-registry is not installed)' : ''}`,
      () => {
        let registry: TestRegistry;
        let image: TestImage;
        let copy: string;
        beforeAll(async () => {
          registry = await TestRegistry.start();
          image = makeImage([await makeTar({ lower: 'x' }), await makeTar({ upper: 'y' })]);
          await pushImage(registry, 'lower', '1', makeImage([await makeTar({ lower: 'x' })]));
          await pushImage(registry, 'app', '1', image);
          copy = join(actor.environment['HOME'] ?? '', 'pulled');
          actor.command(actor.launcher, [
            '--root',
            copy,
            '--runroot',
            join(actor.directory, 'pulled-run'),
            '--tmpdir',
            actor.tmpDirectory,
            'pull',
            '-q',
            insecure,
            `${registry.host}/lower:1`,
          ]);
        });
        afterAll(() => registry[Symbol.asyncDispose]());

        test('pull fetches no layer that is there; the image is ours', async () => {
          const stores = ['--storage-opt', `overlay.imagestore=${copy}`];
          const was = treeDigest(copy);
          const requests: string[] = [];
          await using proxy = await serveBefore(
            registry,
            () => false,
            ({ url }) => {
              requests.push(url ?? '');
              return false;
            },
          );
          const child = actor.start([...stores, 'pull', '-q', insecure, `${proxy.host}/app:1`]);
          const code = await new Promise((done) => child.on('exit', done));
          expect(code).toBe(0);
          const [lower, upper] = image.layers;
          expect(requests.some((url) => url.includes(upper?.digest ?? ''))).toBe(true);
          expect(requests.filter((url) => url.includes(lower?.digest ?? ''))).toEqual([]);
          expect(must(['images', '--format', '{{.ReadOnly}}', '--noheading', `${proxy.host}/app:1`], stores)).toBe('false');
          expect(use(['system', 'check'], stores).stdout).toContain('The store is whole');
          expect(treeDigest(copy)).toBe(was);
          // Without the store the layer is lost, and pulled again it is ours.
          renameSync(copy, `${copy}-away`);
          const again = actor.start(['pull', '-q', insecure, `${proxy.host}/app:1`]);
          expect(await new Promise((done) => again.on('exit', done))).toBe(0);
          expect(use(['system', 'check'], []).stdout).toContain('The store is whole');
        });
      },
    );
  });
});
