/** Engines killed while they pull, load, import, commit, remove, restore and prune; every layer is read after each death. */
import { randomInt } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { EngineClient } from '../../../src-main/contract/engine.ts';
import { makeImage, makeTar, noise } from '../image/test-image.ts';
import { pushImage, registryProgram, TestRegistry } from '../image/test-registry.ts';
import { create, lacking, Sandbox, type Who } from './sandbox.ts';

const rounds = Number(process.env['SELKIE_CRASH_ROUNDS'] ?? 12);
const longestMs = Number(process.env['SELKIE_CRASH_MS'] ?? 1500);

/** What the driver puts into a new store is not from an archive. */
const isSeeded = (names: readonly string[]): boolean => names.some((name) => /^localhost\/(busybox|volumes):/.test(name));

interface Things {
  readonly reference: string;
  readonly archive: string;
  readonly files: string;
  readonly container: string;
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** One engine removes what the other is about to use: that is said, and no failure of either. */
async function attempt(run: Promise<unknown>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (!isEngineError(error) || !['not-found', 'in-use', 'ambiguous'].includes(error.code)) throw error;
  }
}

async function work(api: EngineClient, { reference, archive, files, container }: Things): Promise<void> {
  const steps: (() => Promise<unknown>)[] = [
    () => drain(api.image.pull({ reference, tlsVerify: false })),
    () => drain(api.image.load({ path: archive })),
    () => drain(api.image.import({ path: files, reference: 'localhost/imported:1' })),
    () => drain(api.container.commit({ container, name: 'localhost/committed:1' })),
    () => api.image.remove({ image: reference, trash: randomInt(2) === 0 }),
    () => api.image.remove({ image: 'localhost/committed:1', trash: randomInt(2) === 0 }),
    () => api.image.remove({ image: 'localhost/imported:1', trash: randomInt(2) === 0 }),
    async () => {
      const { images, ...rest } = await api.system.planPrune({ images: 'unused' });
      const chosen = images.filter(({ names }) => !isSeeded(names)).map(({ id, names }) => ({ id, names }));
      await api.system.prune({ containers: [], volumes: rest.volumes.map(({ name }) => name), images: chosen, trash: randomInt(2) === 0 });
    },
    async () => {
      const { items } = await api.trash.list({});
      const item = items[randomInt(items.length + 1)];
      if (item) await api.trash.restore({ entry: item.id });
    },
    () => api.trash.empty({}),
  ];
  for (;;) await attempt(steps[randomInt(steps.length)]?.() ?? Promise.resolve());
}

describe.each(['root', 'rootless'] as const)('engines killed while they handle images, as %s', (who: Who) => {
  const reason = lacking(who) ?? (registryProgram === undefined ? 'docker-registry is not installed' : undefined);
  test.skipIf(reason !== undefined)(reason ?? `${rounds} times (${who}): whole afterwards`, { timeout: 3_600_000 }, async () => {
    await using sandbox = await Sandbox.open(who);
    await using registry = await TestRegistry.start();
    const tars = [await makeTar({ a: noise(3_000_000, 'a') }), await makeTar({ b: noise(3_000_000, 'b') })];
    await pushImage(registry, 'team/app', '1', makeImage(tars));
    const reference = `${registry.host}/team/app:1`;
    await pushImage(registry, 'team/base', '1', makeImage([await makeTar({ base: noise(500_000, 'base') })]));
    const base = `${registry.host}/team/base:1`;
    const files = join(sandbox.directory, 'files.tar');
    writeFileSync(files, await makeTar({ c: noise(2_000_000, 'c') }));
    const archive = join(sandbox.directory, 'archive.tar');
    let container: string;
    let before: readonly string[];
    const layers = () =>
      readdirSync(join(sandbox.directory, 'graph/overlay'))
        .filter((name) => name.startsWith('sha256-'))
        .sort();
    {
      await using engine = await sandbox.engine();
      await drain(engine.api.image.pull({ reference: base, tlsVerify: false }));
      before = layers();
      container = await create(engine.api, { image: base, command: ['true'] });
      await drain(engine.api.image.pull({ reference, tlsVerify: false }));
      await drain(engine.api.image.save({ images: [reference], path: archive, format: 'oci-archive' }));
      await engine.api.image.remove({ image: reference, trash: false });
      expect(layers()).toEqual(before);
    }
    for (let round = 0; round < rounds; round += 1) {
      const things = { reference, archive, files, container };
      const engines = [await sandbox.engine(), await sandbox.engine()];
      const working = engines.map((engine) => work(engine.api, things).catch((error: unknown) => error));
      const ms = randomInt(longestMs);
      await pause(ms);
      for (const engine of engines) await engine.kill();
      for (const outcome of working) expect(await outcome, `round ${round}, killed after ${ms} ms`).toMatchObject({ code: 'disconnected' });

      await using next = await sandbox.engine();
      const story = `round ${round}, killed after ${ms} ms; repaired: ${next.repaired.join('; ')}`;
      expect((await next.api.system.check({ contents: true })).store, story).toEqual([]);
      // Whatever can be seen is whole: each image can be saved, which holds it against its digests; each of the trash comes back.
      for (const { id } of (await next.api.trash.list({})).items) await next.api.trash.restore({ entry: id });
      for (const { id, names } of await next.api.image.list({})) {
        if (isSeeded(names)) continue;
        const path = join(sandbox.directory, `whole-${id.slice(0, 12)}-${round}.tar`);
        await drain(next.api.image.save({ images: [id], path, format: 'oci-archive', uncompressed: true }));
      }
      await next.api.container.inspect({ container });
      for (const { id, names, containers } of await next.api.image.list({}))
        if (containers === 0 && !isSeeded(names)) await next.api.image.remove({ image: id, force: true, trash: false });
      await next.api.trash.empty({});
      expect(layers(), story).toEqual(before);
      expect(readdirSync(join(sandbox.directory, 'graph/overlay/.trash')), story).toEqual([]);
    }
  });
});
