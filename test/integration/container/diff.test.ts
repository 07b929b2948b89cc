import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { baseTar, changes, importBase, Podman, podmanLacks, runIn } from './trees.ts';

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

describe.each(['root', 'rootless'] as const)('changes of trees as %s', (who: Who) => {
  const reason = lacking(who);
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    let engine: EngineProcess;
    let tar: string;

    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
      engine = await sandbox.engine();
      tar = baseTar(sandbox.directory);
      await importBase(engine.api, tar);
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

    async function diff(object: string, base?: string): Promise<string[]> {
      const found = await engine.api.container.diff({ object, ...(base === undefined ? {} : { base }) });
      return found.map(({ kind, path }) => `${letters[kind]} ${path}`);
    }

    const oracle = podmanLacks();
    test.skipIf(oracle !== undefined)(
      `the same as Podman tells of the same changes${oracle === undefined ? '' : `: ${oracle}`}`,
      async () => {
        using podman = new Podman();
        podman.run('import', '--change', 'CMD ["/bin/sh"]', '--change', 'ENV PATH=/bin', tar, 'localhost/base');
        podman.script('c', 'localhost/base', changes);
        const theirs = podman
          .run('diff', 'c')
          .trim()
          .split('\n')
          // Copied up for its new name and as it was: no change for us.
          .filter((line) => line !== 'C /data/one')
          .sort();
        const id = await runIn(engine.api, 'localhost/base', changes);
        const ours = await diff(id);
        expect(ours.toSorted((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1))).toEqual(ours);
        expect(ours.toSorted()).toEqual(theirs);
      },
    );

    test('what was copied up and is as it was is no change', async () => {
      const id = await runIn(
        engine.api,
        'localhost/base',
        'chmod 600 /mode/f; chmod 644 /mode/f; chmod 700 /quiet; chmod 755 /quiet; : >> /data/two',
      );
      expect(await diff(id)).toEqual([]);
    });

    test('a file that became a folder, a folder that became a file', async () => {
      const id = await runIn(
        engine.api,
        'localhost/base',
        'rm /data/two; mkdir /data/two; echo x > /data/two/x; rm -r /gone; echo x > /gone',
      );
      expect(await diff(id)).toEqual(['C /data', 'D /data/two', 'A /data/two/x', 'C /gone']);
    });

    test('a container that runs, one that never did, and one that is not there', async () => {
      expect(await diff(await runIn(engine.api, 'localhost/base', 'true'))).toEqual([]);
      const running = await create(engine.api, {
        image: 'localhost/base',
        command: ['sh', '-c', 'echo x > /data/new; echo written; sleep 100'],
      });
      expect(await diff(running)).toEqual([]);
      for await (const item of engine.api.container.attach({ container: running, start: true })) if (item.kind === 'stdout') break;
      expect(await diff(running)).toEqual(['C /data', 'A /data/new']);
      await expect(diff('nothing')).rejects.toMatchObject({ code: 'not-found', message: 'nothing not found: layer not known' });
      await expect(engine.api.container.diff({ object: 'nothing', kinds: ['container'] })).rejects.toMatchObject({
        message: 'nothing not found: container not known',
      });
    });

    test('of an image its last layer, of two objects their difference', async () => {
      expect(await diff('localhost/base')).toContain('A /data/deep/hello');
      const id = await runIn(engine.api, 'localhost/base', 'echo x > /data/new; rm -r /gone; echo y >> /data/one');
      expect(await diff(id, 'localhost/base')).toEqual(['C /data', 'A /data/new', 'C /data/one', 'D /gone']);
      expect(await diff('localhost/base', id)).toEqual([
        'C /data',
        'D /data/new',
        'C /data/one',
        'A /gone',
        'A /gone/sub',
        'A /gone/sub/f',
      ]);
    });
  });
});
