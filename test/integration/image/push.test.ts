import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'undici';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PushOptions } from '../../../src-main/engine/image/image.ts';
import { Podman, hasPodman, hasSkopeo, skopeo } from './peers.ts';
import { type TestImage, makeImage, makeTar, noise } from './test-image.ts';
import { TestRegistry, type TestServer, account, makeCertificates, pushImage, registryProgram, serveBefore } from './test-registry.ts';
import { ProgressLog, type TestEngine, TestStore, quickLimits } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? '(skipped: needs root)' : registryProgram === undefined ? '(skipped: needs docker-registry)' : '';
/** bcrypt of account.password. */
const htpasswd = `${account.user}:$2y$05$ivLTy1aTyliAHQPKAMOo4.UldguS9FhTRq3qfjw1kN97/oe7L7vRW\n`;

interface Asked {
  readonly method: string;
  readonly url: string;
}

const asked = ({ requests }: TestServer): Asked[] => requests.map(({ method = '', url = '' }) => ({ method, url }));
const uploads = (server: TestServer): Asked[] => asked(server).filter(({ method }) => method === 'PATCH' || method === 'POST');

describe.skipIf(reason !== '')(`pushing images ${reason}`, () => {
  let origin: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  let image: TestImage;
  let docker: TestImage;
  let name: string;
  let dockerName: string;

  beforeAll(async () => {
    origin = await TestRegistry.start();
    image = makeImage([await makeTar({ lower: noise(3_000_000, 'push'), 'a/b': { link: '../lower' } }), await makeTar({ upper: 'x' })]);
    docker = makeImage([await makeTar({ only: noise(100_000, 'docker') })], { docker: true });
    await pushImage(origin, 'team/app', 'v1', image);
    await pushImage(origin, 'team/docker', 'v1', docker);
    name = `${origin.host}/team/app:v1`;
    dockerName = `${origin.host}/team/docker:v1`;
    store = new TestStore();
    engine = store.openEngine();
    for (const one of [name, dockerName]) await engine.images.pull(one, { policy: 'always', tlsVerify: false });
  });
  afterAll(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  const push = (from: string, to: string, options: PushOptions = {}) => engine.images.push(from, to, { tlsVerify: false, ...options });

  async function manifestOf(
    registry: TestRegistry,
    repository: string,
    tag: string,
  ): Promise<{ mediaType: string; layers: { digest: string; mediaType: string }[] }> {
    const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
    const response = await request(`${registry.origin}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
    expect(response.statusCode).toBe(200);
    return (await response.body.json()) as { mediaType: string; layers: { digest: string; mediaType: string }[] };
  }

  /** That another store gets the same image from there. */
  async function pullElsewhere(
    reference: string,
    options: { readonly credentials?: string; readonly certDirectory?: string } = {},
  ): Promise<void> {
    await using other = new TestStore();
    using fresh = other.openEngine();
    const { record } = await fresh.images.pull(reference, { policy: 'always', tlsVerify: options.certDirectory !== undefined, ...options });
    const layers = fresh.images.inspect(record.id).layers.map(({ diffId }) => diffId);
    expect([record.id, layers]).toEqual([image.id, image.layers.map(({ diffId }) => diffId)]);
  }

  test('to an empty registry, and again: then nothing is sent', async () => {
    await using registry = await TestRegistry.start();
    await using proxy = await serveBefore(registry, () => false);
    const progress = new ProgressLog();
    const pushed = await push(name, `${proxy.host}/new/app:1`, { onProgress: progress.add });
    expect(pushed).toMatchObject({ id: image.id, name: `${proxy.host}/new/app:1` });
    const [lower] = image.layers;
    expect(progress.states(lower?.diffId ?? image.config.digest)).toEqual(['copying', 'done']);
    expect(uploads(proxy).filter(({ method }) => method === 'POST')).toHaveLength(3);
    await pullElsewhere(pushed.name);

    const before = proxy.requests.length;
    const again = new ProgressLog();
    expect(await push(name, `docker://${proxy.host}/new/app:1`, { onProgress: again.add })).toEqual(pushed);
    const since = asked(proxy).slice(before);
    expect(since.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([]);
    expect(again.states(lower?.diffId ?? image.config.digest)).toEqual(['present']);
    // Another tag is one manifest.
    const tagged = await push(name, `${proxy.host}/new/app:2`);
    expect(tagged.digest).toBe(pushed.digest);
    expect(
      asked(proxy)
        .slice(before)
        .filter(({ method }) => !['GET', 'HEAD'].includes(method)),
    ).toEqual([{ method: 'PUT', url: '/v2/new/app/manifests/2' }]);
    expect(
      engine.state.events
        .after(0)
        .filter(({ status }) => status === 'push')
        .map((event) => event.name),
    ).toContain(tagged.name);
  });

  test('back to where it came from it keeps its digest, and another repository there takes its layers over', async () => {
    await using proxy = await serveBefore(origin, () => false);
    // The store knows the layers to be at the proxy's name when it has pulled there.
    await engine.images.pull(`${proxy.host}/team/app:v1`, { policy: 'always', tlsVerify: false });
    const before = proxy.requests.length;
    expect(await push(name, `${proxy.host}/team/app:copy`)).toMatchObject({ digest: image.manifest.digest });
    expect(await push(name, `${proxy.host}/mounted/app:v1`)).toMatchObject({ digest: image.manifest.digest });
    const since = asked(proxy).slice(before);
    expect(since.filter(({ method, url }) => method === 'POST' && url.includes('mount='))).toHaveLength(2);
    // The configuration alone.
    expect(since.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
    await pullElsewhere(`${origin.host}/mounted/app:v1`);
  });

  test('what was pushed to one repository is taken over into the next', async () => {
    await using registry = await TestRegistry.start();
    await using proxy = await serveBefore(registry, () => false);
    const first = await push(dockerName, `${proxy.host}/first/app:1`);
    const before = proxy.requests.length;
    expect((await push(dockerName, `${proxy.host}/second/app:1`)).digest).toBe(first.digest);
    expect(
      asked(proxy)
        .slice(before)
        .filter(({ method }) => method === 'PATCH'),
    ).toHaveLength(1);
    expect((await manifestOf(registry, 'second/app', '1')).layers).toHaveLength(1);
  });

  test('kinds of manifests and compression as asked for', async () => {
    await using registry = await TestRegistry.start();
    const types = async (tag: string): Promise<string[]> => {
      const { mediaType, layers } = await manifestOf(registry, 'kinds', tag);
      return [mediaType, ...layers.map((layer) => layer.mediaType)];
    };
    const oci = 'application/vnd.oci.image.manifest.v1+json';
    const schema2 = 'application/vnd.docker.distribution.manifest.v2+json';
    const to = (tag: string): string => `${registry.host}/kinds:${tag}`;
    await push(dockerName, to('docker'));
    expect(await types('docker')).toEqual([schema2, 'application/vnd.docker.image.rootfs.diff.tar.gzip']);
    await push(dockerName, to('as-oci'), { format: 'oci' });
    expect(await types('as-oci')).toEqual([oci, 'application/vnd.oci.image.layer.v1.tar+gzip']);
    await push(dockerName, to('zstd'), { compressionFormat: 'zstd', compressionLevel: 5 });
    expect(await types('zstd')).toEqual([oci, 'application/vnd.oci.image.layer.v1.tar+zstd']);
    // The zstd layer is known now, and no Docker manifest gets it.
    await push(dockerName, to('docker-again'));
    expect(await types('docker-again')).toEqual([schema2, 'application/vnd.docker.image.rootfs.diff.tar.gzip']);
    await push(name, to('as-docker'), { format: 'v2s2' });
    expect((await types('as-docker'))[0]).toBe(schema2);
    for (const tag of ['as-docker']) await pullElsewhere(to(tag));
    await expect(push(name, to('no'), { format: 'v2s2', compressionFormat: 'zstd' })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(push(name, to('no'), { compressionLevel: 99 })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('with TLS and a password', async () => {
    const directory = mkdtempSync('/tmp/selkie-push-');
    try {
      const { ca, cert, key } = makeCertificates(directory);
      mkdirSync(join(directory, 'certs'));
      writeFileSync(join(directory, 'certs/ca.crt'), readFileSync(ca));
      await using registry = await TestRegistry.start({ tls: { cert, key }, htpasswd });
      const to = `${registry.host}/secret/app:1`;
      const options = { tlsVerify: true, certDirectory: join(directory, 'certs') };
      await expect(push(name, to, { tlsVerify: true })).rejects.toMatchObject({ code: 'unavailable' });
      await expect(push(name, to, options)).rejects.toMatchObject({ code: 'unauthorized' });
      await expect(push(name, to, { ...options, credentials: `${account.user}:wrong` })).rejects.toMatchObject({ code: 'unauthorized' });
      const credentials = `${account.user}:${account.password}`;
      await push(name, to, { ...options, credentials });
      await pullElsewhere(to, { certDirectory: options.certDirectory, credentials });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('a connection that breaks in the middle is taken up again', async () => {
    await using registry = await TestRegistry.start();
    let breaks = 2;
    await using proxy = await serveBefore(
      registry,
      () => false,
      (incoming) => {
        let bytes = 0;
        if (incoming.method === 'PATCH' && breaks > 0)
          incoming.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes < 1_000_000 || incoming.destroyed) return;
            breaks -= 1;
            incoming.socket.destroy();
          });
        return false;
      },
    );
    const progress = new ProgressLog();
    const pushed = await push(name, `${proxy.host}/broken/app:1`, { onProgress: progress.add });
    expect(breaks).toBe(0);
    expect(progress.states(image.layers[0]?.diffId ?? image.config.digest)).toContain('retrying');
    await pullElsewhere(`${registry.host}/broken/app:1`);
    expect(pushed.digest).toMatch(/^sha256:/);
  });

  test('a registry that throttles is waited for; one that forbids is said to', async () => {
    await using registry = await TestRegistry.start();
    let refusals = 3;
    await using slow = await serveBefore(registry, (incoming, upstream, answer) => {
      if (incoming.method !== 'POST' || refusals === 0) return false;
      refusals -= 1;
      upstream.resume();
      answer.writeHead(refusals === 1 ? 503 : 429, { 'retry-after': '0' }).end();
      return true;
    });
    await push(name, `${slow.host}/slow/app:1`);
    expect(refusals).toBe(0);
    await using strict = await serveBefore(registry, (incoming, upstream, answer) => {
      if (incoming.method !== 'POST') return false;
      upstream.resume();
      answer
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'read only' }] }));
      return true;
    });
    await expect(push(name, `${strict.host}/strict/app:1`)).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('read only') as string,
    });
  });

  test('a registry that takes no OCI manifests gets one of Docker', async () => {
    await using registry = await TestRegistry.start();
    await using old = await serveBefore(registry, (incoming, upstream, answer) => {
      if (incoming.method !== 'PUT' || !String(incoming.headers['content-type']).includes('oci.image.manifest')) return false;
      upstream.resume();
      answer.writeHead(415).end();
      return true;
    });
    const progress = new ProgressLog();
    // Its own registry took it all the same, since the server stands before it: another tag tells them apart.
    const pushed = await push(name, `${old.host}/old/app:1`, { onProgress: progress.add });
    expect((await manifestOf(registry, 'old/app', '1')).mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    expect(progress.warnings().join()).toContain('the other kind');
    expect(pushed.digest).not.toBe(image.manifest.digest);
    await expect(push(name, `${old.host}/old/app:2`, { format: 'oci' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a registry that dies fails the push in words, and the next push goes through', async () => {
    await using registry = await TestRegistry.start();
    let died = false;
    const failed = push(name, `${registry.host}/dead/app:1`, {
      onProgress: (progress) => {
        if (died || progress.kind !== 'layer' || progress.state !== 'copying') return;
        died = true;
        void registry.kill();
      },
    });
    await expect(failed).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(registry.host) as string });
    await registry.start();
    await push(name, `${registry.host}/dead/app:1`);
    await pullElsewhere(`${registry.host}/dead/app:1`);
  });

  test('a registry that stops taking is given up', async () => {
    await using registry = await TestRegistry.start();
    await using stuck = await serveBefore(
      registry,
      () => false,
      ({ method }) => method === 'PATCH',
    );
    using impatient = store.openEngine({ ...quickLimits, attempts: 2, idleMs: 300, headersMs: 300 });
    await expect(impatient.images.push(name, `${stuck.host}/stuck/app:1`, { tlsVerify: false })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('cancelled, it stops and sets no tag', async () => {
    await using registry = await TestRegistry.start();
    const abort = new AbortController();
    const pushing = push(name, `${registry.host}/cancelled/app:1`, {
      signal: abort.signal,
      onProgress: (progress) => {
        if (progress.kind === 'layer' && progress.state === 'copying') abort.abort();
      },
    });
    await expect(pushing).rejects.toMatchObject({ code: 'cancelled' });
    const response = await request(`${registry.origin}/v2/cancelled/app/manifests/1`);
    await response.body.dump();
    expect(response.statusCode).toBe(404);
  });

  test('a layer that was changed on the disk is not pushed', async () => {
    await using registry = await TestRegistry.start();
    await using other = new TestStore();
    using fresh = other.openEngine();
    const { record } = await fresh.images.pull(name, { policy: 'always', tlsVerify: false });
    const [lower] = record.chainIds;
    if (!lower) throw new Error('no layer');
    writeFileSync(join(fresh.snapshots.diffDirectory(lower), 'lower'), noise(3_000_000, 'changed'));
    await expect(fresh.images.push(name, `${registry.host}/bad/app:1`, { tlsVerify: false })).rejects.toMatchObject({
      code: 'corrupt',
      details: { file: 'lower' },
    });
    const response = await request(`${registry.origin}/v2/bad/app/tags/list`);
    await response.body.dump();
    expect(response.statusCode).toBe(404);
  });

  test('destinations that are none', async () => {
    await expect(engine.images.push(image.id, undefined, {})).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(push(name, 'UPPER/case')).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(push(name, `${origin.host}/a@${image.manifest.digest}`)).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(push('nope', `${origin.host}/a`)).rejects.toMatchObject({ code: 'not-found' });
  });

  test.skipIf(!hasSkopeo)('skopeo copies what was pushed, with the same digests', async () => {
    await using registry = await TestRegistry.start();
    const pushed = await push(name, `${registry.host}/skopeo/app:1`);
    const directory = mkdtempSync('/tmp/selkie-push-');
    try {
      skopeo('copy', '--src-tls-verify=false', '--preserve-digests', `docker://${pushed.name}`, `dir:${directory}`);
      const { layers } = await manifestOf(registry, 'skopeo/app', '1');
      for (const { digest } of layers) expect(readdirSync(directory)).toContain(digest.slice(7));
      expect(skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${pushed.name}`).trim()).toBe(pushed.digest);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.skipIf(!hasPodman)('podman pulls what was pushed, with the same id', async () => {
    await using registry = await TestRegistry.start();
    for (const compressionFormat of ['gzip', 'zstd'] as const) {
      using podman = new Podman();
      const pushed = await push(name, `${registry.host}/podman/app:${compressionFormat}`, { compressionFormat });
      podman.run('pull', '-q', '--tls-verify=false', pushed.name);
      expect(podman.identity(pushed.name)).toEqual({ id: image.id, diffIds: image.layers.map(({ diffId }) => diffId) });
    }
  });
});
