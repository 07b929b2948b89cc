import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ImageRecord } from '../../../src-main/engine/state/state.ts';
import { hostArchitecture, makeImage, makeIndex, makeTar, noise } from './test-image.ts';
import { TestRegistry, pushImage, pushManifest, registryProgram } from './test-registry.ts';
import { ProgressLog, type TestEngine, TestStore, contentsOf, nothing } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';

describe.skipIf(reason !== '')(`pull from a real registry ${reason}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;

  beforeAll(async () => {
    registry = await TestRegistry.start();
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  const read = (record: ImageRecord, path: string): string => {
    const top = record.chainIds.at(-1) ?? '';
    const merged = engine.snapshots.mount(top, { readOnly: true });
    try {
      return readFileSync(join(merged, path), 'utf8');
    } finally {
      engine.snapshots.unmount(top);
    }
  };

  test.each([
    { docker: false, compression: 'gzip' },
    { docker: false, compression: 'zstd' },
    { docker: false, compression: 'none' },
    { docker: true, compression: 'gzip' },
  ] as const)('an image of several layers: %o', async (options) => {
    const repository = `several-${String(options.docker)}-${options.compression}`;
    const image = makeImage(
      [
        await makeTar({ 'etc/a': 'one', 'etc/b': 'one' }),
        await makeTar({ 'etc/b': 'two' }),
        await makeTar({ 'etc/c': noise(3_000_000, repository) }),
      ],
      options,
    );
    await pushImage(registry, repository, 'v1', image);
    const log = new ProgressLog();
    const pulled = await engine.images.pull(`${registry.host}/${repository}:v1`, {
      policy: 'always',
      tlsVerify: false,
      onProgress: log.add,
    });

    expect(pulled.name).toBe(`${registry.host}/${repository}:v1`);
    expect(pulled.record).toMatchObject({
      id: image.id,
      manifestDigest: image.manifest.digest,
      names: [pulled.name],
      repoDigests: [`${registry.host}/${repository}@${image.manifest.digest}`],
      labels: { test: 'yes' },
      os: 'linux',
      architecture: hostArchitecture,
    });
    expect(read(pulled.record, 'etc/a')).toBe('one');
    expect(read(pulled.record, 'etc/b')).toBe('two');
    for (const layer of image.layers) {
      expect(log.states(layer.digest).at(0)).toBe('waiting');
      expect(log.states(layer.digest).at(-1)).toBe('done');
    }
    expect(store.partials()).toEqual([]);
    expect(engine.images.inspect(repository + ':v1')).toMatchObject({
      mediaType: image.manifest.mediaType,
      config: { command: ['/bin/true'], environment: [] },
      layers: image.layers.map(({ diffId }) => ({ diffId })),
    });
    expect(engine.state.events.after(0).map(({ status, name }) => [status, name])).toEqual([['pull', pulled.name]]);
  });

  test('the image of an index that fits this machine, and another one by --platform', async () => {
    const here = makeImage([await makeTar({ which: 'here' })]);
    const arm = makeImage([await makeTar({ which: 'arm' })], { architecture: 'arm', variant: 'v6' });
    const index = makeIndex([
      { image: arm, platform: { os: 'linux', architecture: 'arm', variant: 'v6' } },
      { image: here, platform: { os: 'linux', architecture: hostArchitecture } },
    ]);
    for (const image of [arm, here]) await pushImage(registry, 'many', image.id.slice(0, 12), image);
    await pushManifest(registry, 'many', 'latest', index);
    const name = `${registry.host}/many`;

    const pulled = await engine.images.pull(name, { policy: 'always', tlsVerify: false });
    expect(pulled.record.id).toBe(here.id);
    expect(pulled.record.repoDigests).toEqual([`${name}@${here.manifest.digest}`, `${name}@${index.digest}`]);

    const other = await engine.images.pull(name, { policy: 'missing', platform: 'linux/arm/v7', tlsVerify: false });
    expect(other.record.id).toBe(arm.id);
    expect(engine.images.resolve(name).record.id).toBe(arm.id);
    expect(engine.state.images.find(here.id)?.names).toEqual([]);

    await expect(engine.images.pull(name, { policy: 'always', platform: 'linux/s390x', tlsVerify: false })).rejects.toMatchObject({
      code: 'not-found',
      details: { platforms: ['linux/arm/v6', `linux/${hostArchitecture}`] },
    });
  });

  test('by digest; a second pull fetches no layer again; policies', async () => {
    const image = makeImage([await makeTar({ a: noise(100_000, 'policy') })]);
    await pushImage(registry, 'policy', 'v1', image);
    const digested = `${registry.host}/policy@${image.manifest.digest}`;
    await expect(engine.images.pull(digested, { policy: 'never' })).rejects.toMatchObject({ code: 'not-found' });

    const pulled = await engine.images.pull(`${registry.host}/policy:v1@${image.manifest.digest}`, { policy: 'always', tlsVerify: false });
    expect(pulled).toMatchObject({ name: digested, record: { names: [], repoDigests: [digested] } });

    const log = new ProgressLog();
    await engine.images.pull(`${registry.host}/policy:v1`, { policy: 'newer', tlsVerify: false, onProgress: log.add });
    expect(log.states(image.layers[0]?.digest ?? image.config.digest)).toEqual(['present']);
    expect(engine.images.resolve('policy:v1').record.names).toEqual([`${registry.host}/policy:v1`]);

    const newer = makeImage([await makeTar({ a: 'newer' })]);
    await pushImage(registry, 'policy', 'v1', newer);
    const missing = await engine.images.pull(`${registry.host}/policy:v1`, { policy: 'missing', tlsVerify: false });
    expect(missing.record.id).toBe(image.id);
    const never = await engine.images.pull(`${registry.host}/policy:v1`, { policy: 'never' });
    expect(never.record.id).toBe(image.id);
    const fresh = await engine.images.pull(`${registry.host}/policy:v1`, { policy: 'newer', tlsVerify: false });
    expect(fresh.record.id).toBe(newer.id);
  });

  test('two engines at once: each layer once, one image', async () => {
    using second = store.openEngine();
    const image = makeImage(await Promise.all(['x', 'y', 'z'].map((name) => makeTar({ [name]: noise(2_000_000, name) }))));
    await pushImage(registry, 'twice', 'v1', image);
    const logs = [new ProgressLog(), new ProgressLog()];
    const pulls = await Promise.all(
      [engine, second].map(({ images }, index) =>
        images.pull(`${registry.host}/twice:v1`, {
          policy: 'always',
          tlsVerify: false,
          onProgress: (item) => logs[index]?.add(item),
        }),
      ),
    );
    expect(pulls.map(({ record }) => record.id)).toEqual([image.id, image.id]);
    expect(engine.state.layers.list()).toHaveLength(3);
    expect(store.partials()).toEqual([]);
    expect(engine.images.unreferencedLayers()).toEqual([]);
  });

  test('removal by name and by id; layers that another image needs stay', async () => {
    const base = await makeTar({ base: noise(1000, 'base') });
    const one = makeImage([base, await makeTar({ one: '1' })]);
    const two = makeImage([base, await makeTar({ two: '2' })]);
    await pushImage(registry, 'shared', 'one', one);
    await pushImage(registry, 'shared', 'two', two);
    for (const tag of ['one', 'two']) await engine.images.pull(`${registry.host}/shared:${tag}`, { policy: 'always', tlsVerify: false });
    engine.images.tag('shared:one', ['mine', 'localhost/other:v2']);

    await expect(engine.images.remove(one.id.slice(0, 8), { force: false })).rejects.toMatchObject({ code: 'in-use' });
    expect(await engine.images.remove('mine', { force: false })).toEqual({ untagged: ['localhost/mine:latest'], deleted: [] });
    const removed = await engine.images.remove(one.id.slice(0, 8), { force: true });
    expect(removed).toEqual({ untagged: [`${registry.host}/shared:one`, 'localhost/other:v2'], deleted: [one.id] });
    expect(engine.state.layers.list()).toHaveLength(2);
    expect(read(engine.images.resolve('shared:two').record, 'two')).toBe('2');
    await engine.images.remove('shared:two', { force: false });
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.blobs()).toEqual([]);
    expect(existsSync(join(store.graphRoot, 'content/blobs/sha256'))).toBe(true);
  });
});
