import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { baseTar, commit, importBase } from './trees.ts';

type Mount = NonNullable<ContainerSpecInput['mounts']>[number];

describe.each(['root', 'rootless'] as const)('user namespaces of containers as %s', (who: Who) => {
  const reason = lacking(who);
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    let engine: EngineProcess;
    // As root ids of the host; rootless those of the user's own namespace.
    const first = who === 'root' ? 300_000 : 1;
    const maps = { uidMap: [`0:${String(first)}:5000`] };

    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
      engine = await sandbox.engine();
      await importBase(engine.api, baseTar(sandbox.directory));
    });
    afterAll(async () => {
      await removeAll();
      const { store } = await engine.api.system.check({});
      await engine[Symbol.asyncDispose]();
      expect(store).toEqual([]);
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    const copies = (): string[] => readdirSync(join(sandbox.graphRoot, 'overlay')).filter((name) => name.startsWith('mapped-'));

    async function removeAll(): Promise<void> {
      for (const { id } of await engine.api.container.list({ all: true }))
        await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0, trash: false });
    }

    /** Of its first range of user ids. */
    async function mapOf(container: string): Promise<{ readonly from: number; readonly size: number }> {
      const { host } = await engine.api.container.inspect({ container });
      const [, from = NaN, size = NaN] = host.uidMap[0]?.split(':').map(Number) ?? [];
      return { from, size };
    }

    async function run(spec: Partial<ContainerSpecInput>, script: string): Promise<{ readonly id: string; readonly lines: string[] }> {
      const id = await create(engine.api, {
        image: 'localhost/base',
        network: { mode: 'none' },
        command: ['/bin/sh', '-c', script],
        ...spec,
      });
      const { stdout, stderr } = await collect(engine.api.container.attach({ container: id, start: true }));
      await engine.api.container.wait({ container: id });
      return {
        id,
        lines: `${stdout}${stderr}`
          .trim()
          .split('\n')
          .map((line) => line.trim().replace(/\s+/g, ' ')),
      };
    }

    test('the files of the image and new ones have the ids of the image, inside and in an image that is committed', async () => {
      const { id, lines } = await run(
        maps,
        'stat -c %u / /bin/busybox; cat /proc/self/uid_map; touch /made; chown 33 /made; stat -c %u /made',
      );
      expect(lines).toEqual(['0', '0', `0 ${String(first)} 5000`, '33']);
      await commit(engine.api, id, { name: 'localhost/mapped' });
      expect((await run({ image: 'localhost/mapped' }, 'stat -c %u:%g /made')).lines).toEqual(['33:0']);
      const detail = await engine.api.container.inspect({ container: id });
      expect(detail.host).toMatchObject({
        usernsMode: 'private',
        uidMap: [`0:${String(first)}:5000`],
        gidMap: [`0:${String(first)}:5000`],
      });
    });

    test('layers are shared: by mounts as root, by one copy for each map without them', async () => {
      await run(maps, 'true');
      await run(maps, 'true');
      expect(copies()).toHaveLength(who === 'root' ? 0 : 1);
    });

    test('what cannot be mapped is refused in words', async () => {
      await expect(create(engine.api, { image: 'localhost/base', userns: 'foo' })).rejects.toThrow('unrecognized namespace mode foo');
      await expect(create(engine.api, { image: 'localhost/base', userns: 'keep-id', ...maps })).rejects.toThrow('mutually exclusive');
      await expect(create(engine.api, { image: 'localhost/base', uidMap: ['0:1:5', '3:9:5'] })).rejects.toThrow(
        'two mappings are about uid 3',
      );
      await expect(create(engine.api, { image: 'localhost/base', userns: 'private' })).rejects.toThrow('at least one UID or GID mapping');
    });

    test('+ lays a mapping over all that there is', async () => {
      const { lines } = await run(
        { uidMap: ['+5000:7:1'], gidMap: ['+g6000:8:1'] },
        'while read a b c; do echo $a $b; done < /proc/self/uid_map; echo; while read a b c; do echo $a $b; done < /proc/self/gid_map',
      );
      // Rootless the user is one range, and the ids besides another, which the kernel lets no range span.
      const begin = who === 'root' ? ['0 0'] : ['0 0', '1 1'];
      expect(lines).toEqual([...begin, '8 8', '5000 7', '5001 5001', '', ...begin, '9 9', '6000 8', '6001 6001']);
    });

    /** Its only process sleeps in it. */
    async function otherNamespace(name: string, uidMap: string[]): Promise<string> {
      const id = await create(engine.api, {
        ...{ image: 'localhost/base', name, uidMap, network: { mode: 'none' } },
        command: ['/bin/sleep', '1000'],
      });
      await engine.api.container.start({ container: id });
      const { pid } = await engine.api.container.inspect({ container: id });
      return `/proc/${String(pid)}/ns/user`;
    }

    test('ns:PATH: a user namespace that is there is joined, with its ids', async () => {
      const path = await otherNamespace('holder', [`0:${String(first + 10)}:3000`]);
      const { id, lines } = await run({ userns: `ns:${path}` }, 'cat /proc/self/uid_map; stat -c %u /bin/busybox; touch /made');
      expect(lines).toEqual([`0 ${String(first + 10)} 3000`, '0']);
      const { host } = await engine.api.container.inspect({ container: id });
      expect(host).toMatchObject({ usernsMode: `ns:${path}`, uidMap: [`0:${String(first + 10)}:3000`] });
      await engine.api.container.remove({ container: 'holder', force: true, timeoutSeconds: 0, trash: false });
      await expect(collect(engine.api.container.attach({ container: id, start: true }))).rejects.toThrow(`ns:${path} cannot be joined`);
    });

    test('ns:PATH: what cannot be joined is refused', async () => {
      const refused = (userns: string) => expect(create(engine.api, { image: 'localhost/base', userns })).rejects;
      await refused('ns:somewhere').toThrow('the path has to be absolute');
      await refused('ns:/nowhere').toMatchObject({ code: 'invalid-argument', message: expect.stringContaining('/nowhere') as string });
      await refused('ns:/proc/self/ns/user').toThrow('cannot be joined');
    });

    /** A folder of the engine's root, and in it a file, a folder with a file, and symlinks to what is not to be touched. */
    function source(name: string): { readonly path: string; readonly outside: string; readonly owner: (file: string) => string } {
      const [path, outside] = [join(sandbox.directory, name), join(sandbox.directory, `${name}-outside`)];
      mkdirSync(join(path, 'deep/er'), { recursive: true });
      mkdirSync(outside);
      for (const file of [join(path, 'f'), join(path, 'deep/er/f'), join(outside, 'f')]) writeFileSync(file, '');
      symlinkSync(outside, join(path, 'folder'));
      symlinkSync(join(outside, 'f'), join(path, 'deep/file'));
      const user = who === 'rootless' ? inject('rootlessUser') : { uid: 0, gid: 0 };
      execFileSync('chown', ['-hR', `${String(user?.uid)}:${String(user?.gid)}`, path, outside]);
      // As the sandbox sees it.
      const base = user?.uid ?? 0;
      return {
        path,
        outside,
        owner: (file) => {
          const { uid, gid } = lstatSync(join(path, file));
          return uid === base ? 'engine' : `${String(uid)}:${String(gid)}`;
        },
      };
    }

    test('U: what is mounted belongs to who runs in the container, and no symlink is followed', async () => {
      const { path, outside, owner } = source('given');
      const { lines } = await run(
        { ...maps, user: '7:8', mounts: [{ type: 'bind', source: path, target: '/data', options: ['U'] }] },
        'stat -c %u:%g /data /data/f /data/deep/er/f; touch /data/made',
      );
      expect(lines).toEqual(['7:8', '7:8', '7:8']);
      const given = ['', 'f', 'deep', 'deep/er', 'deep/er/f', 'folder', 'deep/file', 'made'].map(owner);
      expect(new Set(given).size).toBe(1);
      expect(given[0]).not.toBe('engine');
      if (who === 'root') expect(given[0]).toBe('300007:300008');
      expect([statSync(outside).uid, statSync(join(outside, 'f')).uid]).toEqual(Array(2).fill(statSync(sandbox.directory).uid));
      // A named volume, too, and at each start.
      const volume: Mount = { type: 'volume', source: 'given', target: '/data', options: ['U'] };
      expect((await run({ mounts: [volume], user: '3:4' }, 'touch /data/made; stat -c %u:%g /data')).lines).toEqual(['3:4']);
      expect((await run({ ...maps, mounts: [volume] }, 'stat -c %u:%g /data /data/made')).lines).toEqual(['0:0', '0:0']);
      await removeAll();
      await engine.api.volume.remove({ volume: 'given', trash: false });
    });

    test('U: folders of the system are not given away', async () => {
      const usr = statSync('/usr').uid;
      const id = await create(engine.api, {
        ...{ image: 'localhost/base', network: { mode: 'none' }, command: ['/bin/true'], ...maps },
        mounts: [{ type: 'bind', source: '/usr/../usr', target: '/data', options: ['U'] }],
      });
      await expect(engine.api.container.start({ container: id })).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringContaining("would give the host's /usr") as string,
      });
      expect(statSync('/usr').uid).toBe(usr);
    });

    test('idmap: a bind mount shows its owners translated as root; rootless it is refused with the reason', async () => {
      const { path, owner } = source('shown');
      const mounts: Mount[] = [{ type: 'bind', source: path, target: '/data', options: ['idmap'] }];
      if (who === 'rootless') {
        await expect(create(engine.api, { image: 'localhost/base', ...maps, mounts })).rejects.toMatchObject({
          code: 'unsupported',
          message: expect.stringContaining('only the owner of a file system') as string,
        });
        return;
      }
      const { lines } = await run({ ...maps, mounts }, 'stat -c %u:%g /data/f; touch /data/made; chown 5:6 /data/made');
      expect(lines).toEqual(['0:0']);
      expect(owner('f')).toBe('engine');
      expect(owner('made')).toBe('5:6');
      const custom: Mount[] = [{ type: 'bind', source: path, target: '/data', options: ['idmap=uids=5-9-1;gids=6-9-1'] }];
      expect((await run({ mounts: custom }, 'stat -c %u:%g /data/made')).lines).toEqual(['9:9']);
      await expect(create(engine.api, { image: 'localhost/base', mounts })).rejects.toThrow('no user namespace of its own');
      const odd: Mount[] = [{ type: 'bind', source: path, target: '/data', options: ['idmap=uids=x'] }];
      await expect(create(engine.api, { image: 'localhost/base', ...maps, mounts: odd })).rejects.toThrow('invalid mount option');
    });

    test.skipIf(who === 'root')(
      'keep-id: the user is who it is outside, and owns what it makes in a bind mount (rootless only)',
      async () => {
        const user = inject('rootlessUser');
        const shared = join(sandbox.directory, 'shared');
        mkdirSync(shared);
        execFileSync('chown', [`${String(user?.uid)}:${String(user?.gid)}`, shared]);
        const { lines } = await run(
          { userns: 'keep-id', mounts: [{ type: 'bind', source: shared, target: '/shared' }] },
          'id -u; touch /shared/made; cat /etc/passwd',
        );
        expect(lines[0]).toBe(String(user?.uid));
        expect(lines.at(-1)).toContain(`:*:${String(user?.uid)}:${String(user?.gid)}:`);
        expect(statSync(join(shared, 'made')).uid).toBe(user?.uid);
      },
    );

    test.skipIf(who === 'root')('auto: two at once share no id, and what is removed gives its ids back (rootless only)', async () => {
      await removeAll();
      const auto = { userns: 'auto:size=1000' };
      const one = await run(auto, 'cat /proc/self/uid_map');
      const two = await run(auto, 'cat /proc/self/uid_map');
      expect([one.lines, two.lines]).toEqual([['0 1 1000'], ['0 1001 1000']]);
      await engine.api.container.remove({ container: one.id, force: true, timeoutSeconds: 0, trash: false });
      expect((await run(auto, 'cat /proc/self/uid_map')).lines).toEqual(['0 1 1000']);
    });

    test.skipIf(who === 'root')('auto: two engines that create at once give different ids (rootless only)', async () => {
      await using other = await sandbox.engine({ watch: false });
      const spec: Partial<ContainerSpecInput> = {
        image: 'localhost/base',
        network: { mode: 'none' },
        command: ['/bin/true'],
        userns: 'auto:size=500',
      };
      const ids = await Promise.all([engine, other, engine, other].map(({ api }) => create(api, spec)));
      const maps = await Promise.all(ids.map((id) => mapOf(id)));
      expect(new Set(maps.map(({ from }) => from)).size).toBe(4);
      const sorted = maps.toSorted((a, b) => a.from - b.from);
      for (const [index, { from }] of sorted.entries()) {
        const before = sorted[index - 1];
        if (before) expect(from).toBeGreaterThanOrEqual(before.from + before.size);
      }
    });

    test.skipIf(who === 'root')(
      'auto: what comes out of the trash gets the ids that its files have, or does not come out (rootless only)',
      async () => {
        await removeAll();
        const auto = { userns: 'auto:size=1000' };
        const gone = await run({ ...auto, name: 'gone' }, 'touch /made');
        await engine.api.container.remove({ container: gone.id, force: true, timeoutSeconds: 0, trash: true });
        const taker = await run({ ...auto, name: 'taker' }, 'cat /proc/self/uid_map');
        expect(taker.lines).toEqual(['0 1 1000']);
        const [entry] = (await engine.api.trash.list({})).items;
        const entryId = entry?.id ?? '';
        await expect(engine.api.trash.restore({ entry: entryId })).rejects.toMatchObject({
          code: 'in-use',
          message: expect.stringMatching(/^container gone cannot come back: the ids .* are those of container taker by now$/) as string,
        });
        expect((await engine.api.trash.list({})).items.map(({ id }) => id)).toEqual([entryId]);
        await engine.api.container.remove({ container: 'taker', force: true, timeoutSeconds: 0, trash: false });
        await engine.api.trash.restore({ entry: entryId });
        const again = await collect(engine.api.container.attach({ container: 'gone', start: true }));
        expect(again.stderr).toBe('');
        expect((await mapOf(gone.id)).from).toBe(1);
      },
    );

    test('what a mapped container wrote is in a commit as the image would have it: owners, set-id bits', async () => {
      const { id } = await run(maps, 'touch /a /b; chown 7:8 /a; chmod 4751 /a; mkdir /d; chmod 2775 /d; chown 0:9 /d; ln -s a /l');
      await commit(engine.api, id, { name: 'localhost/written' });
      for (const spec of [{}, maps])
        expect((await run({ image: 'localhost/written', ...spec }, 'stat -c %u:%g:%a /a /b /d; stat -c %u:%g /l')).lines).toEqual([
          '7:8:4751',
          '0:0:644',
          '0:9:2775',
          '0:0',
        ]);
    });

    test.skipIf(who === 'root')(
      'an engine that is killed in the middle of a mapped copy leaves nothing after the next (rootless only, where there are copies)',
      { timeout: 240_000 },
      async () => {
        await removeAll();
        for (let death = 0; death < 6; death += 1) {
          const before = copies();
          const victim = await sandbox.engine({ watch: false });
          const map = { uidMap: [`0:${String(first + death)}:4000`] };
          const items = victim.api.container.create({ image: 'localhost/base', network: { mode: 'none' }, command: ['/bin/true'], ...map });
          let seen = 0;
          try {
            for await (const item of items) {
              if (item.kind === 'pull' && item.progress.kind === 'mapping') seen += 1;
              if (seen > death % 2) break;
            }
          } finally {
            await victim.kill();
          }
          expect(seen).toBeGreaterThan(0);
          const next = await sandbox.engine({ watch: false });
          expect((await next.api.system.check({})).store).toEqual([]);
          expect(await next.api.container.list({ all: true })).toEqual([]);
          // One that was whole by then may stay, for the next container of that map.
          for (const name of copies().filter((one) => !before.includes(one)))
            expect(existsSync(join(sandbox.graphRoot, 'overlay', name, 'committed'))).toBe(true);
          await next[Symbol.asyncDispose]();
        }
        expect(sandbox.folders()).toEqual([]);
      },
    );
  });
});
