import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ImageRecord } from '../../../src-main/engine/state/state.ts';
import { type TestImage, digestOf, makeImage, makeTar, noise } from './test-image.ts';
import { ProgressLog, type TestEngine, TestStore, contentsOf, nothing } from './test-store.ts';

const reason = process.getuid?.() === 0 ? '' : 'needs root';
const busybox = ['/bin/busybox', '/usr/bin/busybox'].some((path) => existsSync(path)) ? '' : 'needs busybox-static';

type Files = Record<string, string | Buffer | { readonly link: string }>;

function dockerArchive(image: TestImage, names: readonly string[], extra: Files = {}): Promise<Buffer> {
  const layers = image.layers.map(({ diffId }) => `${diffId.slice(7)}/layer.tar`);
  const manifest = JSON.stringify([{ Config: `${image.id}.json`, RepoTags: names, Layers: layers }]);
  const tars = Object.fromEntries(image.layers.map(({ tar }, index) => [layers[index] ?? '', tar]));
  return makeTar({ ...tars, [`${image.id}.json`]: image.config.bytes, 'manifest.json': manifest, ...extra });
}

function ociFiles(image: TestImage, annotations: object): Files {
  const blobs = Object.fromEntries(
    [image.config, image.manifest, ...image.layers].map(({ digest, bytes }) => [`blobs/sha256/${digest.slice(7)}`, bytes]),
  );
  const { digest, bytes, mediaType } = image.manifest;
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes.length, annotations }] };
  return { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}', 'index.json': JSON.stringify(index), ...blobs };
}

describe.skipIf(reason !== '')(`load ${reason}`, () => {
  let store: TestStore;
  let engine: TestEngine;
  let image: TestImage;

  beforeEach(async () => {
    store = new TestStore();
    engine = store.openEngine();
    image = makeImage([await makeTar({ a: 'lower' }), await makeTar({ a: 'upper', b: noise(200_000, 'load') })]);
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  const file = (name: string, content: Uint8Array): string => store.write(name, content);
  const read = (record: ImageRecord, path: string): string => {
    const top = record.chainIds.at(-1) ?? '';
    try {
      return readFileSync(join(engine.snapshots.mount(top, { readOnly: true }), path), 'utf8');
    } finally {
      engine.snapshots.unmount(top);
    }
  };

  test.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('a docker-archive, %s', async (_name, compress) => {
    const path = file('image.tar', compress(await dockerArchive(image, ['app:v1', 'example.test/app'])));
    const log = new ProgressLog();
    const loaded = await engine.images.load(path, { onProgress: log.add });
    expect(loaded.map(({ name }) => name)).toEqual(['docker.io/library/app:v1']);
    expect(loaded[0]?.record).toMatchObject({ id: image.id, names: ['docker.io/library/app:v1', 'example.test/app:latest'] });
    expect(read(engine.images.resolve('app:v1').record, 'a')).toBe('upper');
    expect(log.states(image.layers[0]?.diffId ?? image.config.digest)).toEqual(['unpacking', 'done']);
    expect(engine.state.events.after(0).map(({ status, name }) => [status, name])).toEqual([['loadfromarchive', path]]);
    expect(store.partials()).toEqual([]);
  });

  test('the same layer twice, once as a symbolic link (docker 1.10 to 24)', async () => {
    const layer = await makeTar({ same: 'same' });
    const twice = makeImage([layer, layer]);
    const manifest = JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['one/layer.tar', 'two/layer.tar'] }]);
    const archive = await makeTar({
      'one/layer.tar': layer,
      'two/layer.tar': { link: '../one/layer.tar' },
      'c.json': twice.config.bytes,
      'manifest.json': manifest,
    });
    const [loaded] = await engine.images.load(file('image.tar', archive), {});
    expect(loaded).toMatchObject({ name: twice.id, record: { names: [], id: twice.id } });
    expect(loaded?.record.chainIds).toHaveLength(2);
  });

  test.each([
    [{ 'org.opencontainers.image.ref.name': 'v1' }, 'localhost/v1:latest'],
    [{ 'org.opencontainers.image.ref.name': 'v1', 'io.containerd.image.name': 'example.test/app:v1' }, 'example.test/app:v1'],
    [{}, undefined],
  ])('an OCI archive and layout named by %o', async (annotations, name) => {
    const files = ociFiles(image, annotations);
    const [fromArchive] = await engine.images.load(file('image.tar', await makeTar(files)), {});
    expect(fromArchive?.name).toBe(name ?? image.id);
    expect(fromArchive?.record.manifestDigest).toBe(image.manifest.digest);
    await engine.images.remove(image.id, { force: true });
    expect(contentsOf(engine)).toEqual(nothing);

    const folder = join(store.directory, 'layout');
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content as Buffer);
    }
    const [fromFolder] = await engine.images.load(folder, {});
    expect(fromFolder?.record).toMatchObject({ id: image.id, names: name === undefined ? [] : [name] });
    expect(read(engine.images.resolve(image.id).record, 'a')).toBe('upper');
  });

  test.each<[string, () => Promise<Buffer>, string]>([
    ['is no archive', () => Promise.resolve(Buffer.from('hello '.repeat(300))), 'corrupt'],
    ['is empty', () => Promise.resolve(Buffer.alloc(0)), 'corrupt'],
    ['holds no image', () => makeTar({ 'a.txt': 'x' }), 'corrupt'],
    ['is cut in a layer', async () => (await dockerArchive(image, ['cut'])).subarray(0, 100_000), 'corrupt'],
    ['is cut in its compression', async () => gzipSync(await dockerArchive(image, ['cut'])).subarray(0, 50_000), 'corrupt'],
    ['is bzip2', () => Promise.resolve(Buffer.from('BZh91AY&SY')), 'unsupported'],
    [
      'lacks a layer',
      async () => makeTar({ 'manifest.json': JSON.stringify([{ Config: 'c', Layers: ['l'] }]), c: image.config.bytes }),
      'corrupt',
    ],
    ['links in a circle', async () => makeTar({ 'manifest.json': { link: 'x' }, x: { link: 'manifest.json' } }), 'corrupt'],
    ['has a manifest.json that is none', () => makeTar({ 'manifest.json': '[{"Config":5}]' }), 'corrupt'],
    ['has a name that is none', () => dockerArchive(image, ['UPPER/case']), 'invalid-argument'],
    ['is by an old docker', () => makeTar({ repositories: '{}' }), 'unsupported'],
    [
      'lies about a layer',
      async () =>
        dockerArchive(
          makeImage([await makeTar({ a: '1' })], { extra: { rootfs: { diff_ids: [digestOf(Buffer.from('x'))] } } }),
          ['lie'],
          {},
        ),
      'digest-mismatch',
    ],
    [
      'has a blob with other content',
      async () => makeTar({ ...ociFiles(image, {}), [`blobs/sha256/${image.layers[1]?.digest.slice(7) ?? ''}`]: noise(200_000, 'other') }),
      'corrupt',
    ],
  ])('an archive that %s is refused and leaves nothing', async (_what, make, code) => {
    await expect(engine.images.load(file('bad.tar', await make()), {})).rejects.toMatchObject({ code });
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.blobs()).toEqual([]);
    expect(store.partials()).toEqual([]);
  });

  test('hostile member paths write nothing outside the store', async () => {
    const target = join(store.directory, 'outside');
    const archive = await dockerArchive(image, ['evil'], { [`../../../../../../${target}`]: 'x', [target]: 'x' });
    await engine.images.load(file('evil.tar', archive), {});
    expect(existsSync(target)).toBe(false);
  });

  test('a missing file, a relative path, and a policy that rejects', async () => {
    await expect(engine.images.load(join(store.directory, 'none.tar'), {})).rejects.toMatchObject({ code: 'not-found' });
    await expect(engine.images.load('image.tar', {})).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(engine.images.load('/etc/passwd', {})).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('/etc/passwd: it is no archive of images') as string,
      fix: expect.stringContaining('docker save') as string,
    });
    // Nothing listens where https would be.
    await expect(engine.images.pull('localhost/nosuch', { policy: 'missing' })).rejects.toMatchObject({
      message: expect.stringContaining('there is no such image here') as string,
      fix: expect.stringContaining('selkie images') as string,
    });
    store.write('.config/containers/policy.json', JSON.stringify({ default: [{ type: 'reject' }] }));
    const path = file('image.tar', await dockerArchive(image, ['app']));
    await expect(engine.images.load(path, {})).rejects.toMatchObject({ code: 'denied' });
  });

  test.skipIf(busybox !== '')(`the starter image: built, loaded once, found by its short name ${busybox}`, async () => {
    const resources = join(store.directory, 'resources');
    const builder = join(import.meta.dirname, '../../../resources/set-up/build-starter-image.mjs');
    execFileSync(process.execPath, [builder, join(resources, 'starter-image/starter.tar')], { stdio: 'pipe' });
    await using own = new TestStore({ resources });
    using starter = own.openEngine();
    const first = await starter.images.ensureStarter();
    expect(first.name).toBe('localhost/selkie/starter:latest');
    expect(starter.images.config(first.record.id)).toMatchObject({ exposedPorts: ['8080/tcp'], command: ['/bin/serve-page'] });
    expect((await starter.images.ensureStarter()).record.id).toBe(first.record.id);
    expect(starter.state.events.lastSequence()).toBe(1);
    expect(starter.images.resolve('selkie/starter').record.id).toBe(first.record.id);
    expect(starter.images.resolve('starter').record.id).toBe(first.record.id);
    const top = first.record.chainIds.at(-1) ?? '';
    const root = starter.snapshots.mount(top, { readOnly: true });
    expect(execFileSync('chroot', [root, '/bin/ls', '/var/www'], { encoding: 'utf8' })).toBe('index.html\n');
    starter.snapshots.unmount(top);
  });
});
