import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { baseTar, importBase } from './trees.ts';

describe.each(['root', 'rootless'] as const)('copies of layers for user namespaces as %s', (who: Who) => {
  const reason = lacking(who);
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    let engine: EngineProcess;
    let tar: string;
    // As root ids of the host; rootless those of the user's own namespace.
    const first = who === 'root' ? 300_000 : 1;

    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
      engine = await sandbox.engine({ watch: true, environment: { _CONTAINERS_OVERLAY_DISABLE_IDMAP: '1' } });
      tar = baseTar(sandbox.directory);
    });
    afterAll(async () => {
      await engine[Symbol.asyncDispose]();
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    const copies = (): string[] => readdirSync(join(sandbox.graphRoot, 'overlay')).filter((name) => name.startsWith('mapped-'));

    const ways: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
      rmi: () => engine.api.image.remove({ image: 'localhost/base', trash: false }),
      prune: async (id) => {
        const { images } = await engine.api.system.planPrune({ images: 'unused' });
        const chosen = images.filter((image) => image.id === id).map((image) => ({ id: image.id, names: image.names }));
        expect(chosen).toHaveLength(1);
        return engine.api.system.prune({ containers: [], volumes: [], images: chosen, trash: false });
      },
      trash: async () => {
        await engine.api.image.remove({ image: 'localhost/base', trash: true });
        return engine.api.trash.empty({});
      },
    };

    test.each(Object.keys(ways))('one engine imports, runs mapped, removes by %s, checks, and does it all again', async (way) => {
      for (const _round of [1, 2]) {
        const image = await importBase(engine.api, tar);
        const id = await create(engine.api, {
          image: 'localhost/base',
          network: { mode: 'none' },
          command: ['/bin/sh', '-c', 'cat /proc/self/uid_map; stat -c %u:%g /bin/busybox'],
          uidMap: [`0:${String(first)}:5000`],
        });
        const { stdout } = await collect(engine.api.container.attach({ container: id, start: true }));
        expect(stdout.trim().replaceAll(/ +/g, ' ')).toBe(`0 ${String(first)} 5000\n0:0`);
        await engine.api.container.wait({ container: id });
        expect(copies()).toHaveLength(1);
        expect((await engine.api.system.check({})).store).toEqual([]);
        await engine.api.container.remove({ container: id, trash: false });
        await ways[way]?.(image);
        expect(copies()).toEqual([]);
        expect((await engine.api.system.check({})).store).toEqual([]);
      }
    });
  });
});
