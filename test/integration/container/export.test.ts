import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';
import { baseTar, changes, exported, importBase, pythonLacks, readByPython, runIn } from './trees.ts';

describe.each(['root', 'rootless'] as const)('archives of containers as %s', (who: Who) => {
  const reason = lacking(who);
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
        await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0, trash: false });
      const { store } = await engine.api.system.check({});
      await engine[Symbol.asyncDispose]();
      expect(store).toEqual([]);
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    const python = pythonLacks();
    test.skipIf(python !== undefined)(`what Python reads of it is what is there${python === undefined ? '' : `: ${python}`}`, async () => {
      const long = `/n/${'long/'.repeat(30)}${'x'.repeat(200)}`;
      const id = await runIn(
        engine.api,
        'localhost/base',
        `${changes}\nmkdir -p ${long.slice(0, long.lastIndexOf('/'))}; echo far > ${long}; chmod 2755 /n; chown 3000000000:70000 /n/m/q 2>/dev/null || chown 7:8 /n/m/q; ` +
          `touch -d "1969-12-31 23:59:58" /n/m/o; ln -s ${'t'.repeat(150)} /n/far`,
      );
      const tar = await exported(engine.api, id);
      const read = readByPython(tar);
      expect(read.get('./')).toMatchObject({ type: 'directory', mode: 0o755 });
      expect(read.get('bin/busybox')).toMatchObject({
        type: 'file',
        mode: 0o755,
        sha256: createHash('sha256').update(readFileSync('/bin/busybox')).digest('hex'),
      });
      expect(read.get('bin/sh')).toMatchObject({ type: 'symlink', target: 'busybox' });
      expect(read.get('mode/f')).toMatchObject({ mode: 0o4755 });
      expect(read.get('n/')).toMatchObject({ mode: 0o2755 });
      expect(read.get('n/m/fifo')).toMatchObject({ type: 'fifo' });
      expect(read.get('n/m/o/')).toMatchObject({ mtime: -2 });
      expect(read.get('n/m/q2')).toMatchObject({ type: 'link', target: 'n/m/q' });
      expect(read.get('n/far')).toMatchObject({ type: 'symlink', target: 't'.repeat(150) });
      expect(read.get(long.slice(1))).toMatchObject({ type: 'file', size: 4 });
      expect(read.get('n/with space/é')).toMatchObject({ type: 'file', size: 2 });
      expect(read.get('n/m/q')).toMatchObject(who === 'root' ? { uid: 3_000_000_000, gid: 70_000 } : { uid: 7, gid: 8 });
      const sparse = Buffer.concat([Buffer.alloc(100 << 20), Buffer.from('end\n')]);
      expect(read.get('n/sparse')).toMatchObject({ size: sparse.length, sha256: createHash('sha256').update(sparse).digest('hex') });
      expect([...read.keys()].filter((path) => /^(?:gone|etc\/keep|again\/top)/.test(path))).toEqual([]);
      expect(tar.length).toBeLessThan(10 << 20);
      expect((await exported(engine.api, id)).equals(tar)).toBe(true);
    });

    test('GNU tar unpacks it, and the tree is the same to its last nanosecond', async () => {
      const id = await runIn(engine.api, 'localhost/base', changes);
      const target = join(sandbox.directory, 'unpacked');
      mkdirSync(target);
      const archive = join(sandbox.directory, 'export.tar');
      writeFileSync(archive, await exported(engine.api, id));
      execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', target, '-xpf', archive]);
      const again = execFileSync('tar', ['--format=pax', '--numeric-owner', '--sparse', '-C', target, '--sort=name', '-cf', '-', '.'], {
        maxBuffer: 1 << 28,
      });
      rmSync(target, { recursive: true });
      const [ours, theirs] = [readByPython(readFileSync(archive)), readByPython(again)];
      const plain = (all: typeof ours) =>
        [...all].map(([path, entry]) => [
          path.replace(/^\.\/(?=.)/, ''),
          entry.type === 'link' ? { ...entry, target: entry.target.replace(/^\.\//, '') } : entry,
        ]);
      expect(Object.fromEntries(plain(theirs))).toEqual(Object.fromEntries(plain(ours)));
    });

    test('it comes back as an image that runs', async () => {
      const id = await runIn(engine.api, 'localhost/base', 'echo kept > /data/kept; chmod 4711 /data/kept');
      const archive = join(sandbox.directory, 'round.tar');
      writeFileSync(archive, await exported(engine.api, id));
      await importBase(engine.api, archive, 'localhost/round');
      const again = await create(engine.api, { image: 'localhost/round', command: ['sh', '-c', 'cat /data/kept; stat -c %a /data/kept'] });
      expect(await collect(engine.api.container.attach({ container: again, start: true }))).toMatchObject({
        stdout: 'kept\n4711\n',
        code: 0,
      });
      await engine.api.container.wait({ container: again });
      expect(readByPython(await exported(engine.api, again)).get('data/kept')).toMatchObject({ mode: 0o4711 });
    });

    test('into a file it is the same; what is there is replaced when it is whole, and kept when it fails or is cancelled', async () => {
      const id = await runIn(engine.api, 'localhost/base', 'head -c 20000000 /dev/urandom > /data/some');
      // So much that the cancellation comes long before its end.
      const large = await runIn(engine.api, 'localhost/base', 'head -c 400000000 /dev/zero > /data/large');
      const folder = join(sandbox.directory, 'files');
      mkdirSync(folder);
      chmodSync(folder, 0o777);
      const path = join(folder, 'out.tar');
      writeFileSync(path, 'old');
      chmodSync(path, 0o666);
      const cancelled = new AbortController();
      const begun = async () => {
        for await (const { writtenBytes, done } of engine.api.container.exportFile(
          { container: large, path },
          { signal: cancelled.signal },
        )) {
          expect(done).toBe(false);
          expect(writtenBytes).toBeGreaterThan(0);
          cancelled.abort();
        }
      };
      await expect(begun()).rejects.toMatchObject({ code: 'cancelled' });
      await expect.poll(() => readdirSync(folder)).toEqual(['out.tar']);
      expect(readFileSync(path, 'utf8')).toBe('old');
      const told: { writtenBytes: number; done: boolean }[] = [];
      for await (const item of engine.api.container.exportFile({ container: id, path })) told.push(item);
      const tar = await exported(engine.api, id);
      expect(readFileSync(path).equals(tar)).toBe(true);
      expect(told.filter(({ done }) => done)).toEqual([{ writtenBytes: tar.length, done: true }]);
      expect(told.length).toBeGreaterThan(2);
      const refused = async (container: string, to: string) => {
        for await (const item of engine.api.container.exportFile({ container, path: to })) told.push(item);
      };
      await expect(refused(id, 'out.tar')).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(refused(id, folder)).rejects.toMatchObject({ code: 'already-exists' });
      await expect(refused(id, join(folder, 'no/out.tar'))).rejects.toMatchObject({ code: 'not-found' });
      await expect(refused('nobody', path)).rejects.toMatchObject({ code: 'not-found' });
      expect(readdirSync(folder)).toEqual(['out.tar']);
    });

    test('compressed archives are told by their first bytes; what is no archive is refused and leaves nothing', async () => {
      const before = await engine.api.image.list({ all: true });
      const tar = join(sandbox.directory, 'base.tar');
      const digests = new Set<string>();
      for (const [program, ...words] of [
        ['gzip', '-kf'],
        ['xz', '-kf0'],
        ['bzip2', '-kf1'],
      ]) {
        if (spawnSync(program ?? '', [...words, tar]).status !== 0) continue;
        const suffix = { gzip: 'gz', xz: 'xz', bzip2: 'bz2' }[program ?? ''] ?? '';
        await importBase(engine.api, `${tar}.${suffix}`, 'localhost/compressed');
        digests.add((await engine.api.image.inspect({ image: 'localhost/compressed' })).layers.map(({ diffId }) => diffId).join());
        writeFileSync(`${tar}.${suffix}`, readFileSync(`${tar}.${suffix}`).subarray(0, 100_000));
        await expect(importBase(engine.api, `${tar}.${suffix}`, 'localhost/cut')).rejects.toMatchObject({ code: 'corrupt' });
        await engine.api.image.remove({ image: 'localhost/compressed', trash: false });
      }
      expect(digests.size).toBe(1);
      const noise = join(sandbox.directory, 'noise');
      writeFileSync(noise, 'this is no archive at all'.repeat(100));
      await expect(importBase(engine.api, noise, 'localhost/cut')).rejects.toMatchObject({ code: 'corrupt' });
      await expect(importBase(engine.api, '/nothing/there', 'localhost/cut')).rejects.toMatchObject({ code: 'not-found' });
      expect((await engine.api.image.list({ all: true })).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    });
  });
});
