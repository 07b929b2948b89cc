import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';

describe.each(['root', 'rootless'] as const)('containers as %s', (who: Who) => {
  const reason = lacking(who);
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    let engine: EngineProcess;

    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
      engine = await sandbox.engine();
    });
    afterAll(async () => {
      for (const { id } of await engine.api.container.list({ all: true }))
        await engine.api.container.remove({ container: id, force: true, volumes: true, timeoutSeconds: 0 });
      await engine.api.trash.empty({});
      const { store } = await engine.api.system.check({});
      await engine[Symbol.asyncDispose]();
      expect(store).toEqual([]);
      expect(sandbox.mounts()).toEqual([]);
      expect(sandbox.folders()).toEqual([]);
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    test('run: output in order before the exit code, then in the log', async () => {
      const id = await create(engine.api, { command: ['sh', '-c', 'echo out; echo err >&2; exit 7'] });
      const attached = engine.api.container.attach({ container: id, start: true });
      expect(await collect(attached)).toEqual({ stdout: 'out\n', stderr: 'err\n', kinds: ['ready', 'stdout', 'stderr', 'exit'], code: 7 });
      expect(await engine.api.container.wait({ container: id })).toEqual({ exitCode: 7 });
      const detail = await engine.api.container.inspect({ container: id });
      expect(detail).toMatchObject({ state: 'exited', exitCode: 7, pid: 0, error: '' });
      const lines: string[] = [];
      for await (const entry of engine.api.container.logs({ container: id }))
        lines.push(`${entry.source} ${Buffer.from(entry.bytes).toString()}`);
      expect(lines).toEqual(['stdout out', 'stderr err']);
    });

    test('a missing command leaves the container as it was, with the error', async () => {
      const id = await create(engine.api, { command: ['nothing-like-this'] });
      await expect(engine.api.container.start({ container: id })).rejects.toMatchObject({ code: 'command-not-found' });
      await expect(collect(engine.api.container.attach({ container: id, start: true }))).rejects.toMatchObject({
        code: 'command-not-found',
      });
      const detail = await engine.api.container.inspect({ container: id });
      expect(detail.state).toBe('created');
      expect(detail.error).toContain('nothing-like-this');
      expect((await engine.api.system.check({})).store).toEqual([]);
      const other = await create(engine.api, { command: ['/bin/plain'] });
      await expect(engine.api.container.start({ container: other })).rejects.toMatchObject({ code: 'command-not-executable' });
    });

    test('the second container is confined by the filter that was compiled for the first, and one without a profile by none', async () => {
      const confinement = async (securityOptions: string[]) => {
        const id = await create(engine.api, { command: ['grep', 'Seccomp:', '/proc/self/status'], securityOptions });
        return (await collect(engine.api.container.attach({ container: id, start: true }))).stdout;
      };
      expect(await confinement([])).toBe('Seccomp:\t2\n');
      expect(readdirSync(join(sandbox.runRoot, 'seccomp'))).toHaveLength(1);
      expect(await confinement([])).toBe('Seccomp:\t2\n');
      expect(await confinement(['seccomp=unconfined'])).toBe('Seccomp:\t0\n');
      expect(readdirSync(join(sandbox.runRoot, 'seccomp'))).toHaveLength(1);
    });

    test('a name in use is refused with its holder, and nothing is made', async () => {
      const id = await create(engine.api, { name: 'taken', command: ['true'] });
      const before = sandbox.folders();
      await expect(create(engine.api, { name: 'taken', command: ['true'] })).rejects.toMatchObject({
        code: 'already-exists',
        details: { holder: id },
      });
      // Those of earlier tests may just be going.
      expect(sandbox.folders().filter((folder) => !before.includes(folder))).toEqual([]);
    });

    test('--rm removes the container with its anonymous volumes, filled from the image', async () => {
      const id = await create(engine.api, {
        image: 'localhost/volumes',
        remove: true,
        command: ['sh', '-c', 'cat /data/deep/hello; grep -c . /trap/passwd'],
      });
      expect(await engine.api.volume.list({})).toHaveLength(2);
      const output = await collect(engine.api.container.attach({ container: id, start: true }));
      // The image's /trap leads to its own /etc, never to the host's.
      expect(output.stdout).toBe('from the image\n2\n');
      await engine.api.container.wait({ container: id, conditions: ['removed'] }).catch(() => undefined);
      expect(await engine.api.volume.list({})).toEqual([]);
    });

    test('stop: the stop signal, then KILL', async () => {
      const soft = await create(engine.api, { command: ['sh', '-c', 'trap "exit 5" TERM; echo up; while :; do usleep 10000; done'] });
      const up = engine.api.container.attach({ container: soft, start: true });
      for await (const item of up) if (item.kind === 'stdout') break;
      expect(await engine.api.container.stop({ container: soft })).toEqual({ id: soft, wasRunning: true, killed: false });
      expect((await engine.api.container.inspect({ container: soft })).exitCode).toBe(5);
      const hard = await create(engine.api, { command: ['sleep', '1000'] });
      await engine.api.container.start({ container: hard });
      expect(await engine.api.container.stop({ container: hard, timeoutSeconds: 0 })).toEqual({ id: hard, wasRunning: true, killed: true });
      expect(await engine.api.container.stop({ container: hard })).toEqual({ id: hard, wasRunning: false, killed: false });
      expect((await engine.api.container.inspect({ container: hard })).exitCode).toBe(137);
    });

    test('restart policies: on-failure so many times, never after a stop', async () => {
      const failing = await create(engine.api, { command: ['false'], restartPolicy: { name: 'on-failure', maximumRetries: 2 } });
      await engine.api.container.start({ container: failing });
      const state = async () => {
        const { state: now, restartCount } = await engine.api.container.inspect({ container: failing });
        return `${now} ${restartCount}`;
      };
      await expect.poll(state, { timeout: 20_000 }).toBe('exited 2');
      const always = await create(engine.api, { command: ['sleep', '1000'], restartPolicy: { name: 'always' } });
      await engine.api.container.start({ container: always });
      const { pid } = await engine.api.container.inspect({ container: always });
      process.kill(pid, 'SIGKILL');
      await expect.poll(async () => (await engine.api.container.inspect({ container: always })).restartCount, { timeout: 20_000 }).toBe(1);
      await engine.api.container.stop({ container: always, timeoutSeconds: 0 });
      expect(await engine.api.container.inspect({ container: always })).toMatchObject({ state: 'exited', restartCount: 1 });
    });

    test('two engines at once: one start, one stop, one removal', async () => {
      await using other = await sandbox.engine();
      const id = await create(engine.api, { command: ['sleep', '1000'] });
      await Promise.all([engine, other, engine, other].map((each) => each.api.container.start({ container: id })));
      expect(sandbox.processes().filter((line) => line.includes(id) && line.includes('conmon'))).toHaveLength(1);
      const stops = await Promise.all([engine, other].map((each) => each.api.container.stop({ container: id, timeoutSeconds: 0 })));
      expect(stops.some(({ wasRunning }) => wasRunning)).toBe(true);
      const removals = await Promise.allSettled([engine, other].map((each) => each.api.container.remove({ container: id })));
      expect(removals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(removals.find((each) => each.status === 'rejected')?.reason).toMatchObject({ code: 'not-found' });
    });

    test('an exit that no engine saw shows at once in the next one, and is handled', async () => {
      const id = await create(engine.api, { command: ['sh', '-c', 'usleep 200000; exit 9'], remove: false });
      await engine.api.container.start({ container: id });
      await engine[Symbol.asyncDispose]();
      await expect.poll(() => sandbox.folders()).toContain(`run/exits/${id}`);
      engine = await sandbox.engine();
      expect((await engine.api.container.list({ all: true })).find((each) => each.id === id)).toMatchObject({
        state: 'exited',
        exitCode: 9,
      });
      expect((await engine.api.system.check({})).store).toEqual([]);
    });

    test('exec: output, exit code, a missing command', async () => {
      const id = await create(engine.api, { command: ['sleep', '1000'] });
      await engine.api.container.start({ container: id });
      const run = (command: string[]) => collect(engine.api.container.exec({ container: id, command }));
      expect(await run(['sh', '-c', 'echo hi; exit 3'])).toMatchObject({ stdout: 'hi\n', code: 3 });
      await expect(run(['nothing-like-this'])).rejects.toMatchObject({ code: 'command-not-found' });
      // What could not be executed takes a moment to be gone.
      await expect
        .poll(() => engine.api.container.top({ container: id, descriptors: ['pid', 'user', 'comm'] }))
        .toEqual({ titles: ['PID', 'USER', 'COMMAND'], processes: [['1', 'root', 'sleep']] });
      await expect(engine.api.container.top({ container: id, descriptors: ['aux'] })).rejects.toMatchObject({ code: 'invalid-argument' });
      await engine.api.container.kill({ container: id });
      expect(await engine.api.container.wait({ container: id })).toEqual({ exitCode: 137 });
    });

    test("a process of another user without input: the host's /dev/null stays root's", async () => {
      const before = statSync('/dev/null');
      const id = await create(engine.api, { command: ['sleep', '1000'] });
      await engine.api.container.start({ container: id });
      expect(await collect(engine.api.container.exec({ container: id, command: ['true'], user: '1000' }))).toMatchObject({ code: 0 });
      const after = statSync('/dev/null');
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);
      await engine.api.container.kill({ container: id });
    });

    test('a terminal: typed text, detaching, its size', async () => {
      const id = await create(engine.api, { command: ['sh'], tty: true, interactive: true });
      const terminal = engine.api.container.attach({ container: id, start: true, size: { rows: 33, columns: 77 } });
      let seen = '';
      let resized = false;
      const kinds: string[] = [];
      for await (const item of terminal) {
        kinds.push(item.kind);
        if (item.kind === 'ready') await terminal.send({ kind: 'stdin', bytes: Buffer.from('stty size\n') });
        if (item.kind !== 'stdout') continue;
        seen += Buffer.from(item.bytes).toString();
        if (seen.includes('44 99')) await terminal.send({ kind: 'stdin', bytes: Buffer.from([16, 17]) });
        else if (/(33 77|44 99)\r\n/.test(seen)) {
          if (!resized) await terminal.send({ kind: 'resize', rows: 44, columns: 99 });
          resized = true;
          seen = '';
          // The size goes another way than what is typed: asked until it has arrived.
          await terminal.send({ kind: 'stdin', bytes: Buffer.from('stty size\n') });
        }
      }
      expect(kinds.at(-1)).toBe('detached');
      const again = engine.api.container.attach({ container: id });
      void (async () => {
        await again.send({ kind: 'stdin', bytes: Buffer.from('exit 4\n') });
      })();
      expect((await collect(again)).code).toBe(4);
    });

    test('stdin to its end, and much output, byte by byte', async () => {
      const id = await create(engine.api, { command: ['wc', '-c'], interactive: true });
      const session = engine.api.container.attach({ container: id, start: true });
      const send = async (): Promise<void> => {
        for (let index = 0; index < 64; index += 1) await session.send({ kind: 'stdin', bytes: Buffer.alloc(65_536, 'x') });
        await session.send({ kind: 'eof' });
      };
      const [output] = await Promise.all([collect(session), send()]);
      expect(output).toMatchObject({ stdout: `${64 * 65_536}\n`, code: 0 });
      const big = await create(engine.api, { command: ['head', '-c', '20000000', '/dev/zero'], logDriver: 'none' });
      let bytes = 0;
      for await (const item of engine.api.container.attach({ container: big, start: true }))
        if (item.kind === 'stdout') bytes += item.bytes.length;
      expect(bytes).toBe(20_000_000);
    });
  });
});
