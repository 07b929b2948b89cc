/** Every layout and every manifest that `save`, `push` and `manifest push` write, held against the OCI image specification. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { request } from 'undici';
import { Actor, actors } from '../../support/actor.ts';
import { type BlobPath, checkLayout, checkManifest } from '../../support/check-layout.ts';
import { makeImage, makeIndex, makeTar, noise } from './test-image.ts';
import { pushImage, pushManifest, registryProgram, TestRegistry } from './test-registry.ts';
import { type TestEngine, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';
const insecure = { tlsVerify: false } as const;

const ociTypes = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';

/** Where docker-registry has it. */
const blobsOf =
  (registry: TestRegistry): BlobPath =>
  (digest) => {
    const hex = digest.slice('sha256:'.length);
    return join(registry.directory, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  };

async function checkPushed(registry: TestRegistry, repository: string, tag: string): Promise<string[]> {
  const response = await request(`${registry.origin}/v2/${repository}/manifests/${tag}`, { headers: { accept: ociTypes } });
  expect(response.statusCode).toBe(200);
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const { mediaType } = JSON.parse(bytes.toString()) as { mediaType?: string };
  // What it is served as is what it says of itself.
  expect(response.headers['content-type']).toBe(mediaType);
  return checkManifest(bytes, blobsOf(registry));
}

describe.skipIf(reason !== '')(`what is written is what the image specification says ${reason}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  const names: Record<string, string> = {};

  beforeAll(async () => {
    registry = await TestRegistry.start();
    const lower = await makeTar({ lower: noise(200_000, 'spec'), 'etc/passwd': 'root:x:0:0::/:/bin/sh\n' });
    const tars = [lower, await makeTar({ upper: 'x' })];
    const variants = { oci: {}, docker: { docker: true }, zstd: { compression: 'zstd' }, plain: { compression: 'none' } } as const;
    for (const [name, options] of Object.entries(variants)) await pushImage(registry, `from/${name}`, '1', makeImage(tars, options));
    const arm = makeImage(tars, { architecture: 'arm64', variant: 'v8' });
    const intel = makeImage(tars, { architecture: 'amd64' });
    await pushImage(registry, 'from/list', 'arm', arm);
    await pushImage(registry, 'from/list', 'intel', intel);
    const platforms = [
      { image: intel, platform: { architecture: 'amd64', os: 'linux' } },
      { image: arm, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
    ];
    await pushManifest(registry, 'from/list', '1', makeIndex(platforms));
    store = new TestStore();
    engine = store.openEngine();
    for (const name of Object.keys(variants)) names[name] = `${registry.host}/from/${name}:1`;
    for (const name of Object.values(names)) await engine.images.pull(name, { policy: 'always', ...insecure });
    const path = store.write('files.tar', await makeTar({ a: 'b' }));
    const changes = ['CMD ["/bin/sh"]', 'ENV A=b', 'LABEL c=d', 'EXPOSE 80', 'VOLUME /v', 'WORKDIR /w', 'USER u', 'STOPSIGNAL TERM'];
    names['imported'] = 'localhost/imported:1';
    await engine.images.importTar({ source: { path }, reference: names['imported'], changes, message: 'made here' });
  });
  afterAll(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const kinds = ['oci', 'docker', 'zstd', 'plain', 'imported'];

  test.each(kinds)('a layout and an archive of the image that came as %s', async (kind) => {
    const layout = join(store.directory, `layout-${kind}`);
    const save = (more: object) => engine.images.save([names[kind] ?? ''], { format: 'oci-dir', path: layout, ...more });
    await save({});
    expect(await checkLayout(layout)).toEqual([]);
    await save({ names: ['another'], uncompressed: true });
    expect(await checkLayout(layout)).toEqual([]);
    const archive = join(store.directory, `${kind}.tar`);
    await engine.images.save([names[kind] ?? ''], { format: 'oci-archive', path: archive });
    const unpacked = join(store.directory, `archive-${kind}`);
    mkdirSync(unpacked);
    execFileSync('tar', ['-xf', archive, '-C', unpacked]);
    expect(await checkLayout(unpacked)).toEqual([]);
  });

  test.each(kinds)('what is pushed of the image that came as %s, in each compression', async (kind) => {
    for (const compression of ['gzip', 'zstd'] as const) {
      const place = `${registry.host}/pushed/${kind}:${compression}`;
      await engine.images.push(names[kind] ?? '', place, { format: 'oci', compressionFormat: compression, ...insecure });
      expect(await checkPushed(registry, `pushed/${kind}`, compression)).toEqual([]);
    }
  });

  test('a list that is pushed: of images of the store, of a registry, with annotations and every word about a platform', async () => {
    const create = (name: string, images: readonly string[]) =>
      engine.images.createList(name, images, { all: true, amend: false, annotations: { 'org.example.list': 'yes' }, ...insecure });
    await create('list:1', [names['imported'] ?? '', names['oci'] ?? '', `docker://${registry.host}/from/list:1`]);
    const { id } = await create('list:2', [`docker://${registry.host}/from/list:1`]);
    const found = await engine.images.inspectList(id, {});
    const [first] = found.kind === 'local' ? found.record.list.instances : [];
    await engine.images.annotateList('list:2', first?.digest ?? '', {
      platform: { osVersion: '10.0', osFeatures: ['one', 'two'], variant: 'v3' },
      annotations: { 'org.example.instance': 'x' },
    });
    for (const number of ['1', '2']) {
      await engine.images.pushList(`list:${number}`, `${registry.host}/pushed/list:${number}`, { all: true, format: 'oci', ...insecure });
      expect(await checkPushed(registry, 'pushed/list', number)).toEqual([]);
    }
  });

  describe('the check itself', () => {
    let layout: string;
    beforeEach(async () => {
      layout = join(store.directory, `broken-${String(Math.random()).slice(2)}`);
      await engine.images.save([names['oci'] ?? ''], { format: 'oci-dir', path: layout });
    });

    test('finds a blob that was changed, one that is missing, and a file that is none of a layout’s', async () => {
      const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
      const blob = (digest: string): string => join(layout, 'blobs', digest.replace(':', '/'));
      const manifest = JSON.parse(readFileSync(blob(index.manifests[0]?.digest ?? ''), 'utf8')) as { layers: { digest: string }[] };
      const [layer] = manifest.layers;
      const bytes = readFileSync(blob(layer?.digest ?? ''));
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      writeFileSync(blob(layer?.digest ?? ''), bytes);
      writeFileSync(join(layout, 'manifest.json'), '[]');
      expect(await checkLayout(layout)).toEqual(['manifest.json has no place in a layout', `${layer?.digest ?? ''} has another content`]);
    });
  });
});

describe.each(actors())('by the command line, $title', ({ actor: name, skip }) => {
  test.skipIf(skip)('a committed image, saved and pushed into a layout', async () => {
    await using actor = new Actor(name);
    const home = actor.environment['HOME'] ?? '';
    const starter = 'localhost/selkie/starter:latest';
    actor.must(['load', '-q', '-i', actor.starterImage]);
    actor.must(['run', '--name', 'c', '--network', 'none', starter, 'sh', '-c', 'echo made > /made']);
    actor.must(['commit', '--quiet', '--author', 'somebody', '--format', 'oci', '--change', 'ENV A=b', 'c', 'localhost/committed:1']);
    actor.must(['save', '--quiet', '--format', 'oci-dir', '-o', join(home, 'saved'), 'localhost/committed:1']);
    actor.must(['push', '--quiet', 'localhost/committed:1', `oci:${join(home, 'pushed')}:one`]);
    for (const folder of ['saved', 'pushed']) expect(await checkLayout(join(home, folder)), folder).toEqual([]);
  });
});
