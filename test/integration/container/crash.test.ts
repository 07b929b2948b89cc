import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EngineClient } from '../../../src-main/contract/engine.ts';
import { makeImage, makeTar, noise } from '../image/test-image.ts';
import { pushImage, registryProgram, TestRegistry } from '../image/test-registry.ts';
import { collect, create, lacking, Sandbox, type Who } from './sandbox.ts';

const rounds = Number(process.env['SELKIE_CRASH_ROUNDS'] ?? 15);
const longestMs = Number(process.env['SELKIE_CRASH_MS'] ?? 1500);

/** What a user does, over and over, with some variety, until the engine is gone. */
async function work(api: EngineClient, reference: string): Promise<void> {
  for (let turn = randomInt(4); ; turn += 1) {
    if (turn % 2 === 0) {
      for await (const _ of api.image.pull({ reference, tlsVerify: false }));
      await api.image.remove({ image: reference });
    }
    const remove = turn % 2 === 1;
    const id = await create(api, {
      image: turn % 4 > 1 ? 'localhost/volumes' : 'localhost/busybox',
      command: turn % 3 === 0 ? ['true'] : ['sleep', '1000'],
      network: { mode: turn % 5 === 4 ? 'none' : 'host' },
      remove,
    });
    if (turn % 3 === 0) {
      await collect(api.container.attach({ container: id, start: true }));
      if (remove) continue;
    } else {
      await api.container.start({ container: id });
      await collect(api.container.exec({ container: id, command: ['true'] }));
      await api.container.stop({ container: id, timeoutSeconds: 0 });
      if (remove) continue;
    }
    await api.container.remove({ container: id, volumes: true });
  }
}

describe.each(['root', 'rootless'] as const)('an engine killed at any moment, as %s', (who: Who) => {
  const reason = lacking(who) ?? (registryProgram === undefined ? 'docker-registry is not installed' : undefined);
  test.skipIf(reason !== undefined)(reason ?? `${rounds} times (${who}): nothing is lost or leaked`, { timeout: 900_000 }, async () => {
    await using sandbox = await Sandbox.open(who);
    await using registry = await TestRegistry.start();
    await pushImage(
      registry,
      'team/app',
      '1',
      makeImage([await makeTar({ a: noise(3_000_000, 'a') }), await makeTar({ b: noise(3_000_000, 'b') })]),
    );
    const reference = `${registry.host}/team/app:1`;
    const layers = () =>
      readdirSync(join(sandbox.directory, 'graph/overlay'))
        .filter((name) => !name.startsWith('.'))
        .sort();
    let before: string[] | undefined;
    const repaired: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const engine = await sandbox.engine();
      const working = work(engine.api, reference).catch((error: unknown) => error);
      const ms = randomInt(longestMs);
      await pause(ms);
      await engine.kill();
      expect(await working, `round ${round}, killed after ${ms} ms`).toMatchObject({ code: 'disconnected' });

      await using next = await sandbox.engine();
      repaired.push(...next.repaired);
      const { store } = await next.api.system.check({ contents: true });
      const story = `round ${round}, killed after ${ms} ms; repaired: ${next.repaired.join('; ')}`;
      expect(store, story).toEqual([]);
      const containers = await next.api.container.list({ all: true });
      const running = containers.filter(({ state }) => state === 'running');
      expect(
        containers.filter(({ state }) => !['created', 'running', 'exited'].includes(state)),
        story,
      ).toEqual([]);
      expect(
        sandbox.mounts().filter((path) => path.includes('/overlay/')),
        story,
      ).toHaveLength(running.length);
      // Each is whole: it can be started, looked into, stopped and removed.
      for (const { id, removeOnExit } of containers) {
        await next.api.container.start({ container: id });
        await next.api.container.stop({ container: id, timeoutSeconds: 0 });
        if (!removeOnExit) await next.api.container.remove({ container: id, volumes: true });
      }
      expect(await next.api.container.list({ all: true }), story).toEqual([]);
      expect(await next.api.volume.list({}), story).toEqual([]);
      if (await next.api.image.exists({ image: reference })) await next.api.image.remove({ image: reference });
      // What was removed waits in the trash; whatever a death did to it, it can be deleted for good.
      await next.api.trash.empty({});
      expect((await next.api.trash.list({})).items, story).toEqual([]);
      await sandbox.quiet();
      expect(sandbox.folders(), story).toEqual([]);
      expect(sandbox.mounts(), story).toEqual([]);
      expect(layers(), story).toEqual((before ??= layers()));
    }
    console.log(
      `${repaired.length} repairs:\n${repaired
        .map((line) => line.replace(/[0-9a-f]{12}|[a-z]+_[a-z]+/g, 'X'))
        .sort()
        .join('\n')}`,
    );
  });
});
