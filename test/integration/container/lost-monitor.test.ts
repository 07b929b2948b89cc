/** conmon is killed: nobody reports the end of its container any more, and yet everybody sees it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerState } from '../../../src-main/contract/container.ts';
import { create, lacking, Sandbox, type EngineProcess, type Who } from './sandbox.ts';

describe.each(['root', 'rootless'] as const)('a container without its monitor as %s', (who: Who) => {
  const reason = lacking(who);
  describe.skipIf(reason !== undefined)(reason ?? 'on real parts', () => {
    let sandbox: Sandbox;
    beforeAll(async () => {
      sandbox = await Sandbox.open(who);
    });
    afterAll(async () => {
      await sandbox.quiet();
      await sandbox[Symbol.asyncDispose]();
    });

    /** A running container whose monitor is dead. */
    async function abandoned({ api }: EngineProcess): Promise<{ id: string; pid: number }> {
      const id = await create(api, { command: ['sleep', '1000'] });
      await api.container.start({ container: id });
      const { pid, process: own } = await api.container.inspect({ container: id });
      process.kill(own.conmonPid, 'SIGKILL');
      return { id, pid };
    }

    const shown = async ({ api }: EngineProcess, id: string) => (await api.container.list({ all: true })).find((one) => one.id === id);

    test('it is shown as running, with a problem, for as long as its process lives', async () => {
      await using engine = await sandbox.engine({ watch: true });
      const { id } = await abandoned(engine);
      await expect
        .poll(async () => (await engine.api.system.check({})).store.map(({ kind, object }) => [kind, object]), { timeout: 20_000 })
        .toEqual([['lost-monitor', id]]);
      expect(await shown(engine, id)).toMatchObject({ state: 'running' });
      await engine.api.container.remove({ container: id, force: true, timeoutSeconds: 0 });
      expect((await engine.api.system.check({})).store).toEqual([]);
    });

    test('its end shows at once in lists, and is handled by an engine that watches', async () => {
      await using engine = await sandbox.engine({ watch: true });
      const { id, pid } = await abandoned(engine);
      const states: ContainerState[] = [];
      const ended = (async () => {
        for await (const item of engine.api.container.watch({}))
          if (item.kind === 'changed' && item.container.id === id) {
            states.push(item.container.state);
            if (item.container.state === 'exited') return item.container;
          }
        return undefined;
      })();
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => shown(engine, id)).toMatchObject({ state: 'exited', exitCode: 255 });
      expect(await ended).toMatchObject({ exitCode: 255, error: expect.stringContaining('monitor') as string });
      // Handled, not only shown: nothing is left of the run.
      await expect.poll(async () => (await engine.api.system.check({})).store, { timeout: 20_000 }).toEqual([]);
      await engine.api.container.remove({ container: id });
    });

    test('who waits for it is answered, without an engine that watches', async () => {
      await using engine = await sandbox.engine({ watch: false });
      const { id, pid } = await abandoned(engine);
      const waiting = engine.api.container.wait({ container: id });
      process.kill(pid, 'SIGKILL');
      expect(await waiting).toEqual({ exitCode: 255 });
      for await (const measured of engine.api.container.stats({ once: true })) expect(measured).toEqual([]);
      expect((await engine.api.system.check({})).store.map(({ kind }) => kind)).toContain('dead-container');
      await engine.api.container.remove({ container: id });
      expect((await engine.api.system.check({})).store).toEqual([]);
    });
  });
});
