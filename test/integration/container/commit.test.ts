import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { type ArchiveEntry, baseTar, changes, commit, exported, importBase, pythonLacks, readByPython, runIn } from './trees.ts';

/** Without what the engine puts into every container that has run. */
function treeOf(tar: Buffer): Record<string, ArchiveEntry> {
  return Object.fromEntries([...readByPython(tar)].filter(([path]) => path !== './'));
}

function attributesOf(who: Who): string[] {
  return who === 'root' ? ['security.capability', 'user.note'] : ['user.note'];
}

/** As setcap(8) and setfattr(1) in the container would: its busybox has neither. */
function setAttributes(path: string, who: Who): void {
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  for (const name of attributesOf(who))
    createLinuxSystem().attributes.setXattr(path, name, name === 'user.note' ? Buffer.from([0, 255, 10, 61]) : capability);
}

describe.each(['root', 'rootless'] as const)('images of containers as %s', (who: Who) => {
  const reason = lacking(who) ?? pythonLacks();
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    let engine: EngineProcess;

    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
      engine = await sandbox.engine();
      await importBase(engine.api, baseTar(sandbox.directory));
    });
    afterAll(async () => {
      for (const { id } of await engine.api.container.list({ all: true }))
        await engine.api.container.remove({ container: id, force: true, volumes: true, timeoutSeconds: 0, trash: false });
      const { store } = await engine.api.system.check({});
      await engine[Symbol.asyncDispose]();
      expect(store).toEqual([]);
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    test('a container of the new image has the very tree of the old container: times, owners, links, attributes, what is gone', async () => {
      const more = 'chown 7:8 /mode; rm -r /data/deep; mkdir /data/deep; chmod 1711 /data/deep';
      const id = await runIn(engine.api, 'localhost/base', `${changes}\n${more}`);
      // The device cgroup lets no container make one.
      if (who === 'root') createLinuxSystem().attributes.makeNode(join(sandbox.graphRoot, 'overlay', id, 'diff/n/null'), 0o020640, 1, 3);
      setAttributes(join(sandbox.graphRoot, 'overlay', id, 'diff/n/m/q'), who);
      const image = await commit(engine.api, id, { name: 'localhost/committed' });
      const again = await create(engine.api, { image, command: ['true'] });
      const [before, after] = [treeOf(await exported(engine.api, id)), treeOf(await exported(engine.api, again))];
      expect(after).toEqual(before);
      expect(before['data/third']).toMatchObject({ type: 'link' });
      expect(Object.keys(before['n/m/q']?.xattrs ?? {})).toEqual(attributesOf(who).map((name) => `SCHILY.xattr.${name}`));
      expect(await engine.api.container.diff({ object: again })).toEqual([]);
      expect(await engine.api.container.diff({ object: image })).toEqual(await engine.api.container.diff({ object: id }));
      // A second layer upon that one.
      const third = await runIn(engine.api, image, 'rm -r /n; echo x > /data/deep/x');
      const top = await create(engine.api, { image: await commit(engine.api, third), command: ['true'] });
      expect(treeOf(await exported(engine.api, top))).toEqual(treeOf(await exported(engine.api, third)));
    });

    test('squash: one layer with the same tree', async () => {
      const id = await runIn(engine.api, 'localhost/base', changes);
      const image = await commit(engine.api, id, { squash: true });
      expect((await engine.api.image.inspect({ image })).layers).toHaveLength(1);
      const again = await create(engine.api, { image, command: ['true'] });
      expect(treeOf(await exported(engine.api, again))).toEqual(treeOf(await exported(engine.api, id)));
    });

    test('the change is there, the settings too; what is wrong is refused by its name', async () => {
      const id = await create(engine.api, {
        image: 'localhost/base',
        command: ['sh', '-c', 'echo changed > /data/new'],
        environment: ['GIVEN=yes'],
        labels: { kept: 'label' },
        mounts: [{ type: 'volume', source: '', target: '/volume' }],
      });
      await collect(engine.api.container.attach({ container: id, start: true }));
      await engine.api.container.wait({ container: id });
      const image = await commit(engine.api, id, {
        name: 'new/name:tag',
        author: 'me',
        format: 'docker',
        message: 'why',
        includeVolumes: true,
        changes: ['ENV A="b c" D=e', 'CMD ["cat", "/data/new"]', 'LABEL=x=y', 'EXPOSE 80', 'WORKDIR /data', 'STOPSIGNAL INT', 'USER 0'],
      });
      const detail = await engine.api.image.inspect({ image });
      expect(detail).toMatchObject({
        names: ['localhost/new/name:tag'],
        author: 'me',
        comment: 'why',
        mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      });
      expect(detail.config).toMatchObject({
        environment: ['PATH=/bin', 'GIVEN=yes', 'A=b c', 'D=e'],
        command: ['cat', '/data/new'],
        exposedPorts: ['80/tcp'],
        workingDirectory: '/data',
        stopSignal: 'SIGINT',
        user: '0',
        volumes: ['/volume'],
      });
      expect(detail.config.labels).toEqual({ kept: 'label', x: 'y' });
      const run = await create(engine.api, { image });
      expect(await collect(engine.api.container.attach({ container: run, start: true }))).toMatchObject({ stdout: 'changed\n', code: 0 });
      await expect(commit(engine.api, id, { message: 'x' })).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(commit(engine.api, id, { changes: ['FROM x'] })).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(commit(engine.api, 'nothing')).rejects.toMatchObject({ code: 'not-found' });
    });

    test('of a container that runs, paused where that can be', async () => {
      const id = await create(engine.api, {
        image: 'localhost/base',
        command: ['sh', '-c', 'echo x > /data/new; echo written; sleep 1000'],
      });
      for await (const item of engine.api.container.attach({ container: id, start: true })) if (item.kind === 'stdout') break;
      const image = await commit(engine.api, id);
      expect(await engine.api.container.diff({ object: image })).toEqual([
        { kind: 'changed', path: '/data' },
        { kind: 'added', path: '/data/new' },
      ]);
      if (who === 'root') {
        await commit(engine.api, id, { pause: true });
        expect((await collect(engine.api.container.exec({ container: id, command: ['echo', 'goes on'] }))).stdout).toBe('goes on\n');
      } else await expect(commit(engine.api, id, { pause: true })).rejects.toMatchObject({ code: 'unsupported' });
    });

    test('mounts are counted, and a container keeps its tree whoever unmounts', async () => {
      const { api } = engine;
      const id = await create(api, { image: 'localhost/base', command: ['sleep', '1000'] });
      await using other = await sandbox.engine({ watch: false });
      const { path } = await api.container.mount({ container: id });
      expect(await other.api.container.mount({ container: id })).toEqual({ id, names: [expect.any(String)], path });
      expect(await api.container.mounted({})).toHaveLength(1 + (await api.container.list({})).length);
      expect(await api.container.unmount({ container: id })).toEqual({ id, wasMounted: true });
      expect(sandbox.mounts()).toContain(path);
      await api.container.start({ container: id });
      expect(await other.api.container.unmount({ container: id })).toEqual({ id, wasMounted: true });
      expect((await collect(api.container.exec({ container: id, command: ['cat', '/data/one'] }))).stdout).toBe('data/one\n');
      await api.container.mount({ container: id });
      await api.container.stop({ container: id, timeoutSeconds: 0 });
      expect(sandbox.mounts()).toContain(path);
      expect((await api.system.check({})).store).toEqual([]);
      expect(await api.container.unmount({ container: id })).toEqual({ id, wasMounted: true });
      expect(sandbox.mounts()).not.toContain(path);
      expect(await api.container.unmount({ container: id })).toEqual({ id, wasMounted: false });
      // A mounted one can be removed.
      await api.container.mount({ container: id });
      await api.container.remove({ container: id, trash: false });
      expect(sandbox.mounts()).not.toContain(path);
      const image = await api.image.mount({ image: 'localhost/base' });
      expect(await api.image.mounted({})).toEqual([image]);
      expect(await api.image.unmount({ image: 'localhost/base' })).toEqual({ id: image.id, wasMounted: true });
      expect(sandbox.mounts()).not.toContain(image.path);
      // And so can a mounted image.
      const removed = await commit(api, await create(api, { image: 'localhost/base', command: ['true'] }));
      await api.image.mount({ image: removed });
      await api.image.remove({ image: removed, trash: false });
      expect(await api.image.mounted({})).toEqual([]);
    });

    test('an engine killed in mid-commit or mid-export leaves nothing half', async () => {
      const id = await runIn(
        engine.api,
        'localhost/base',
        'dd if=/bin/busybox of=/data/big bs=1M 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do cp /data/big /data/big$i; done',
      );
      const layers = () =>
        readdirSync(join(sandbox.graphRoot, 'overlay'))
          .filter((name) => name.startsWith('sha256-'))
          .sort();
      const images = async () => (await engine.api.image.list({ all: true })).map((image) => image.id).sort();
      const before = { layers: layers(), images: await images() };
      for (let round = 0; round < 20; round++) {
        const victim = await sandbox.engine({ watch: false });
        const work =
          round % 4 === 3 ? exported(victim.api, id) : commit(victim.api, id, { squash: round % 2 === 1, author: String(round) });
        work.catch(() => undefined);
        await pause(randomInt(2, 160));
        await victim.kill();
        const next = await sandbox.engine({ watch: false });
        const story = `round ${String(round)}: ${next.repaired.join('; ')}`;
        expect((await next.api.system.check({})).store, story).toEqual([]);
        // It was done, or there is nothing of it.
        for (const image of (await images()).filter((one) => !before.images.includes(one)))
          await next.api.image.remove({ image, trash: false });
        expect(await images(), story).toEqual(before.images);
        expect(layers(), story).toEqual(before.layers);
        expect(
          sandbox.mounts().filter((path) => path.includes(id)),
          story,
        ).toEqual([]);
        await next[Symbol.asyncDispose]();
      }
    });
  });
});
