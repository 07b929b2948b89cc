import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ContainerSpecInput } from '../../../src-main/contract/container-spec.ts';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { baseTar, commit, importBase } from './trees.ts';

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
      for (const { id } of await engine.api.container.list({ all: true }))
        await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0, trash: false });
      const { store } = await engine.api.system.check({});
      await engine[Symbol.asyncDispose]();
      expect(store).toEqual([]);
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

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
      const copies = readdirSync(join(sandbox.graphRoot, 'overlay')).filter((name) => name.startsWith('mapped-'));
      expect(copies).toHaveLength(who === 'root' ? 0 : 1);
    });

    test('what cannot be mapped is refused in words', async () => {
      await expect(create(engine.api, { image: 'localhost/base', userns: 'foo' })).rejects.toThrow('unrecognized namespace mode foo');
      await expect(create(engine.api, { image: 'localhost/base', userns: 'keep-id', ...maps })).rejects.toThrow('mutually exclusive');
      await expect(create(engine.api, { image: 'localhost/base', uidMap: ['0:1:5', '3:9:5'] })).rejects.toThrow(
        'two mappings are about uid 3',
      );
      await expect(create(engine.api, { image: 'localhost/base', userns: 'private' })).rejects.toThrow('at least one UID or GID mapping');
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
      for (const { id } of await engine.api.container.list({ all: true }))
        await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0, trash: false });
      const auto = { userns: 'auto:size=1000' };
      const one = await run(auto, 'cat /proc/self/uid_map');
      const two = await run(auto, 'cat /proc/self/uid_map');
      expect([one.lines, two.lines]).toEqual([['0 1 1000'], ['0 1001 1000']]);
      await engine.api.container.remove({ container: one.id, force: true, timeoutSeconds: 0, trash: false });
      expect((await run(auto, 'cat /proc/self/uid_map')).lines).toEqual(['0 1 1000']);
    });
  });
});
