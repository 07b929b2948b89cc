/** Lists of images for several platforms, in a real registry, with skopeo and podman on the other side. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ImageId } from '../../../src-main/contract/ids.ts';
import { hasPodman, hasSkopeo, Podman, skopeo } from './peers.ts';
import { makeImage, makeIndex, makeTar, type TestImage } from './test-image.ts';
import { pushImage, pushManifest, registryProgram, serveBefore, TestRegistry } from './test-registry.ts';
import { contentsOf, nothing, type TestEngine, TestStore } from './test-store.ts';

const lacking = registryProgram === undefined ? ' (docker-registry is not installed)' : hasSkopeo ? '' : ' (skopeo is not installed)';
const insecure = { tlsVerify: false } as const;
const raw = (place: string): string => skopeo('inspect', '--raw', '--tls-verify=false', `docker://${place}`);

describe.skipIf(lacking !== '')(`lists${lacking}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  let intel: TestImage;
  let arm: TestImage;
  let index: ReturnType<typeof makeIndex>;

  beforeAll(async () => {
    registry = await TestRegistry.start({});
    const base = await makeTar({ base: 'shared by both' });
    intel = makeImage([base, await makeTar({ which: 'intel' })], { architecture: 'amd64' });
    arm = makeImage([base, await makeTar({ which: 'arm' })], { architecture: 'arm64', variant: 'v8' });
    index = makeIndex([
      { image: intel, platform: { architecture: 'amd64', os: 'linux' } },
      { image: arm, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
    ]);
    await pushImage(registry, 'team/app', 'amd64', intel);
    await pushImage(registry, 'team/app', 'arm64', arm);
    await pushManifest(registry, 'team/app', 'both', index);
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
  });
  afterEach(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  });

  const app = (tag: string): string => `${registry.host}/team/app:${tag}`;
  const create = (name: string, images: readonly string[], all = false) =>
    engine.images.createList(name, images, { all, amend: false, annotations: {}, ...insecure });
  const pull = (tag: string) => engine.images.pull(app(tag), { policy: 'always', ...insecure });

  test('a list made of a registry’s index is that index, with its digest, in another repository; pulled back by platform', async () => {
    await create('app:1', [`docker://${app('both')}`], true);
    const place = `${registry.host}/copies/one:1`;
    const pushed = await engine.images.pushList('app:1', place, { all: true, ...insecure });
    expect(pushed.digest).toBe(index.digest);
    expect(raw(place)).toBe(index.bytes.toString());
    for (const [platform, image] of [
      ['linux/amd64', intel],
      ['linux/arm64', arm],
    ] as const) {
      const { record } = await engine.images.pull(place, { policy: 'always', platform, ...insecure });
      expect(record.id).toBe(image.id);
    }
  });

  test('what is there already is not sent again', async () => {
    await create('app:1', [`docker://${app('both')}`], true);
    let changes: string[] = [];
    await using proxy = await serveBefore(
      registry,
      () => false,
      ({ method = '', url = '' }) => {
        if (method !== 'GET' && method !== 'HEAD') changes.push(`${method} ${url}`);
        return false;
      },
    );
    await engine.images.pushList('app:1', `${proxy.host}/copies/two:1`, { all: true, ...insecure });
    expect(changes.some((line) => line.startsWith('PUT /v2/copies/two/manifests/1'))).toBe(true);
    changes = [];
    await engine.images.pushList('app:1', `${proxy.host}/copies/two:1`, { all: true, ...insecure });
    expect(changes).toEqual([]);
  });

  test('a list of images of the store holds on to what it needs when they are removed, and lets go with itself', async () => {
    const ids: ImageId[] = [];
    for (const tag of ['amd64', 'arm64']) ids.push((await pull(tag)).record.id);
    await create('localhost/app:2', ids);
    for (const id of ids) await engine.images.remove(id, { force: true });
    expect(engine.images.unreferencedLayers()).toEqual([]);
    const place = `${registry.host}/copies/kept:1`;
    const { digest } = await engine.images.pushList('localhost/app:2', place, { all: true, ...insecure });
    expect(raw(place)).toContain(arm.manifest.digest);
    expect(digest).toBe(engine.images.resolveRecord('localhost/app:2').record.manifestDigest);
    await engine.images.removeFromList('localhost/app:2', arm.manifest.digest);
    expect(engine.state.layers.list()).toHaveLength(2);
    await engine.images.remove('localhost/app:2', { force: false });
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.blobs()).toEqual([]);
  });

  test('out of the trash a list comes back whole', async () => {
    const { record } = await pull('amd64');
    await create('localhost/app:3', [record.id]);
    await engine.images.remove(record.id, { force: true });
    await engine.images.remove('localhost/app:3', { force: false, trash: true });
    expect(engine.images.find('localhost/app:3')).toBeUndefined();
    const [entry] = engine.state.trash.list();
    await engine.images.restore(entry?.id ?? '');
    const place = `${registry.host}/copies/back:1`;
    await engine.images.pushList('localhost/app:3', place, { all: true, ...insecure });
    expect(raw(place)).toContain(intel.manifest.digest);
  });

  test('two engines that add to one list at once both have added', async () => {
    using other = store.openEngine();
    const { id } = await create('app:4', []);
    const none = { platform: {}, annotations: {} };
    await Promise.all([
      engine.images.addToList('app:4', [`docker://${app('amd64')}`], none, { all: false, ...insecure }),
      other.images.addToList('app:4', [`docker://${app('arm64')}`], none, { all: false, ...insecure }),
    ]);
    const found = await engine.images.inspectList(id, {});
    const digests = found.kind === 'local' ? found.record.list.instances.map(({ digest }) => digest) : [];
    expect(digests.toSorted()).toEqual([intel.manifest.digest, arm.manifest.digest].toSorted());
  });

  test('a list that cannot be made whole is not made at all', async () => {
    await expect(create('app:5', [`docker://${app('amd64')}`, `docker://${app('none')}`])).rejects.toMatchObject({ code: 'not-found' });
    expect(engine.images.findRecord('app:5')).toBeUndefined();
    expect(contentsOf(engine)).toEqual(nothing);
  });

  test('by name a list is its image for this machine; as a record it is itself', async () => {
    const { record } = await pull('amd64');
    const list = await create('app:6', [record.id, `docker://${app('arm64')}`]);
    expect(engine.images.resolveRecord('app:6').record.id).toBe(list.id);
    if (process.arch === 'x64') expect(engine.images.resolve('app:6').record.id).toBe(record.id);
    await expect(engine.images.resolveList(record.id)).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('what skopeo copied into a layout for all platforms comes in by platform, and into a list whole', async () => {
    const layout = join(store.directory, 'layout');
    skopeo('copy', '-q', '--all', '--src-tls-verify=false', `docker://${app('both')}`, `oci:${layout}:both`);
    const [pulled] = await engine.images.pullAll(`oci:${layout}:both`, { policy: 'always', platform: 'linux/arm64' });
    expect(pulled?.record.id).toBe(arm.id);
    await create('app:7', [`oci:${layout}:both`], true);
    const place = `${registry.host}/copies/layout:1`;
    await engine.images.pushList('app:7', place, { all: true, ...insecure });
    // Out of an archive layers are compressed anew; the images are the same.
    for (const [platform, image] of [
      ['linux/amd64', intel],
      ['linux/arm64', arm],
    ] as const)
      expect((await engine.images.pull(place, { policy: 'always', platform, ...insecure })).record.id).toBe(image.id);
  });

  test('every tag of a repository', async () => {
    const pulled = await engine.images.pullAll(`${registry.host}/team/app`, { policy: 'always', allTags: true, ...insecure });
    expect(pulled.map(({ name }) => name).toSorted()).toEqual([app('amd64'), app('arm64'), app('both')]);
  });

  test.skipIf(!hasPodman)(`what podman reads and writes${hasPodman ? '' : ' (no podman, or not root)'}`, async () => {
    using podman = new Podman();
    const theirs = `${registry.host}/podman/list:1`;
    podman.run('pull', '-q', '--tls-verify=false', '--platform', 'linux/arm64', app('both'));
    podman.run('manifest', 'create', 'list');
    podman.run('manifest', 'add', '--tls-verify=false', '--all', 'list', `docker://${app('both')}`);
    podman.run('manifest', 'push', '-q', '--tls-verify=false', 'list', `docker://${theirs}`);
    await create('app:8', [`docker://${theirs}`], true);
    const ours = `${registry.host}/copies/podman:1`;
    await engine.images.pushList('app:8', ours, { all: true, ...insecure });
    expect(raw(ours)).toBe(raw(theirs));
    const id = podman.run('pull', '-q', '--tls-verify=false', '--platform', 'linux/arm64', ours).trim();
    expect(id).toBe(arm.id);
  });
});
