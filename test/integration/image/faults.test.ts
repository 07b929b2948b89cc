import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { TransferProgress } from '../../../src-main/contract/image.ts';
import type { PullOptions } from '../../../src-main/engine/image/image.ts';
import { type TestImage, digestOf, makeImage, makeTar, noise } from './test-image.ts';
import { type Meddle, TestRegistry, pushImage, registryProgram, serveBefore, serveHttp } from './test-registry.ts';
import { ProgressLog, type TestEngine, TestStore, contentsOf, nothing } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';

describe.skipIf(reason !== '')(`pulls that go wrong ${reason}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  let image: TestImage;
  let large: TestImage['layers'][number];

  beforeAll(async () => {
    registry = await TestRegistry.start();
    image = makeImage([await makeTar({ small: 'x' }), await makeTar({ large: noise(4_000_000, 'faults') })]);
    large = image.layers[1] as typeof large;
    await pushImage(registry, 'app', 'v1', image);
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

  const pull = (host: string, options: Partial<PullOptions> = {}) =>
    engine.images.pull(`${host}/app:v1`, { policy: 'always', tlsVerify: false, ...options });
  const isLarge = ({ url, method }: IncomingMessage): boolean => method === 'GET' && url === `/v2/app/blobs/${large.digest}`;
  const expectNothing = (): void => {
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.blobs()).toEqual([]);
  };
  /** Passes on so many bytes of the large layer, then does something else. */
  const cutAfter =
    (bytes: number, then: (answer: ServerResponse) => void): Meddle =>
    (asked, upstream, answer) => {
      if (!isLarge(asked)) return false;
      answer.writeHead(upstream.statusCode ?? 500, upstream.headers);
      let left = bytes;
      upstream.on('data', (chunk: Buffer) => {
        if (left <= 0) return;
        answer.write(chunk.subarray(0, left), () => {
          if (left <= 0) then(answer);
        });
        left -= chunk.length;
      });
      return true;
    };

  test('nothing listens there', async () => {
    const dead = await serveHttp(() => undefined);
    await dead[Symbol.asyncDispose]();
    await expect(pull(dead.host)).rejects.toMatchObject({ code: 'unavailable', details: { host: dead.host, reason: 'ECONNREFUSED' } });
    expectNothing();
  });

  test('plain HTTP where HTTPS is expected says how to allow it', async () => {
    const error: unknown = await engine.images.pull(`${registry.host}/app:v1`, { policy: 'always' }).catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: `cannot reach registry ${registry.host}: it answers with plain HTTP where HTTPS is expected`,
    });
    expect(isEngineError(error) && error.fix).toContain('insecure = true');
    store.write('.config/containers/registries.conf', `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
    expect((await engine.images.pull(`${registry.host}/app:v1`, { policy: 'always' })).record.id).toBe(image.id);
  });

  test.each([
    ['a repository', 'nowhere:v1', 'it is not there'],
    ['a tag', 'app:nowhere', 'it is not there'],
  ])('%s that does not exist', async (_what, name, why) => {
    const pulling = engine.images.pull(`${registry.host}/${name}`, { policy: 'always', tlsVerify: false });
    await expect(pulling).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(why) as string });
    expectNothing();
  });

  test('a byte changed on the way is a digest mismatch, and nothing of it stays', async () => {
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isLarge(asked)) return false;
      answer.writeHead(upstream.statusCode ?? 500, upstream.headers);
      let position = 0;
      upstream.on('data', (chunk: Buffer) => {
        const at = 1_000_000 - position;
        if (at >= 0 && at < chunk.length) chunk[at] = (chunk[at] ?? 0) ^ 1;
        position += chunk.length;
        answer.write(chunk);
      });
      upstream.on('end', () => answer.end());
      return true;
    });
    await expect(pull(proxy.host)).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining(large.digest) as string,
    });
    expectNothing();
    expect(store.partials()).toEqual([]);
  });

  test('a blob that is shorter than its manifest says', async () => {
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isLarge(asked)) return false;
      upstream.resume();
      answer.end(large.bytes.subarray(0, 1_500_000));
      return true;
    });
    await expect(pull(proxy.host)).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('1500000 bytes') as string,
    });
    expectNothing();
  });

  test('a connection that breaks again and again goes on where it stopped, without starting over', async () => {
    let cuts = 0;
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (cuts === 6) return false;
      const meddled = cutAfter(600_000, (cut) => cut.destroy())(asked, upstream, answer);
      if (meddled) cuts++;
      return meddled;
    });
    const log = new ProgressLog();
    expect((await pull(proxy.host, { onProgress: log.add })).record.id).toBe(image.id);
    const ranges = proxy.requests.filter(isLarge).map(({ headers }) => headers.range ?? '');
    expect(ranges.length).toBe(7);
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0));
    for (const [index, start] of starts.entries()) if (index > 0) expect(start).toBeGreaterThan(starts[index - 1] ?? 0);
    expect(log.states(large.digest)).toContain('retrying');
  });

  test('a server without ranges', async () => {
    let first = true;
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isLarge(asked)) return false;
      if (first) {
        first = false;
        return cutAfter(1_000_000, (cut) => cut.destroy())(asked, upstream, answer);
      }
      upstream.resume();
      answer.end(large.bytes);
      return true;
    });
    expect((await pull(proxy.host)).record.id).toBe(image.id);
  });

  test('a registry killed in mid-pull: the next pull fetches only the rest', async () => {
    await using mortal = await TestRegistry.start();
    await pushImage(mortal, 'app', 'v1', image);
    let killing: Promise<void> | undefined;
    await using proxy = await serveBefore(mortal, (asked, upstream, answer) =>
      killing === undefined
        ? cutAfter(2_500_000, (cut) => {
            killing ??= mortal.kill();
            void killing.then(() => cut.destroy());
          })(asked, upstream, answer)
        : false,
    );
    await expect(pull(proxy.host)).rejects.toMatchObject({ code: 'unavailable' });
    expectNothing();
    const kept = statSync(join(store.graphRoot, 'content/partial', large.digest.slice(7))).size;
    expect(kept).toBeGreaterThan(2_000_000);

    await mortal.start();
    expect((await pull(proxy.host)).record.id).toBe(image.id);
    expect(proxy.requests.filter(isLarge).at(-1)?.headers.range).toBe(`bytes=${kept}-`);
    expect(store.partials()).toEqual([]);
  });

  test('what a crash left damaged is fetched anew', async () => {
    mkdirSync(join(store.graphRoot, 'content/partial'), { recursive: true });
    const leftover = join(store.graphRoot, 'content/partial', large.digest.slice(7));
    writeFileSync(leftover, '');
    truncateSync(leftover, 1_200_000);
    const log = new ProgressLog();
    expect((await pull(registry.host, { onProgress: log.add })).record.id).toBe(image.id);
    expect(log.states(large.digest)).toContain('retrying');
  });

  test('cancelled in mid-pull, then pulled again', async () => {
    const abort = new AbortController();
    await using proxy = await serveBefore(registry, (asked, upstream, answer) =>
      abort.signal.aborted ? false : cutAfter(2_500_000, () => undefined)(asked, upstream, answer),
    );
    // Only what has arrived can be kept.
    const onProgress = (progress: TransferProgress): void => {
      if (progress.kind === 'layer' && progress.digest === large.digest && progress.doneBytes > 1_000_000) abort.abort();
    };
    await expect(pull(proxy.host, { signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' });
    expectNothing();
    expect((await pull(proxy.host)).record.id).toBe(image.id);
    expect(proxy.requests.filter(isLarge).at(-1)?.headers.range).toMatch(/^bytes=[1-9]/);
  });

  test.each<[string, (asked: IncomingMessage) => string | undefined, string]>([
    ['is garbage', () => '<html>hello</html>', 'corrupt'],
    ['is schema 1', () => '{"schemaVersion":1,"fsLayers":[]}', 'unsupported'],
    ['is index and manifest at once', () => '{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}', 'corrupt'],
    ['is endless', () => ' '.repeat(5 * 1024 * 1024), 'limit-exceeded'],
    [
      'is an artifact',
      () =>
        `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:${'0'.repeat(64)}","size":2},"layers":[]}`,
      'unsupported',
    ],
    [
      'has a foreign layer',
      () =>
        `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:${'0'.repeat(64)}","size":2},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:${'0'.repeat(64)}","size":2}]}`,
      'unsupported',
    ],
  ])('a manifest that %s', async (_what, body, code) => {
    await using server = await serveHttp((asked, answer) => {
      answer.end(asked.url === '/v2/' ? '{}' : body(asked));
    });
    await expect(pull(server.host)).rejects.toMatchObject({ code });
    expectNothing();
  });

  test('a manifest that is not what its digest says', async () => {
    await using server = await serveHttp((asked, answer) => answer.end(asked.url === '/v2/' ? '{}' : image.manifest.bytes));
    const name = `${server.host}/app@${digestOf(Buffer.from('other'))}`;
    await expect(engine.images.pull(name, { policy: 'always', tlsVerify: false })).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('a configuration that lies about a layer', async () => {
    const lying = makeImage([await makeTar({ a: 'one' })], {
      extra: { rootfs: { type: 'layers', diff_ids: [digestOf(Buffer.from('other'))] } },
    });
    await pushImage(registry, 'lying', 'v1', lying);
    await expect(engine.images.pull(`${registry.host}/lying:v1`, { policy: 'always', tlsVerify: false })).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
    expectNothing();
    expect(store.partials()).toEqual([]);
  });

  test('429 is waited for, but not for an hour; 503 is tried again', async () => {
    const answers: [number, string][] = [
      [429, '0'],
      [503, ''],
    ];
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      const next = asked.url?.includes('/manifests/') === true ? answers.shift() : undefined;
      if (!next) return false;
      upstream.resume();
      answer.writeHead(next[0], next[1] === '' ? {} : { 'retry-after': next[1] });
      answer.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow\\u001b[2Jdown"}]}');
      return true;
    });
    const log = new ProgressLog();
    expect((await pull(proxy.host, { onProgress: log.add })).record.id).toBe(image.id);
    expect(log.warnings().filter((text) => text.includes('slow [2Jdown'))).toHaveLength(2);
    answers.push([429, '3600']);
    await expect(pull(proxy.host)).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining('wait 3600 s') as string,
    });
  });

  test('a full disk: says so, and frees what it took', async () => {
    const directory = mkdtempSync('/tmp/selkie-full-');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', directory]);
    try {
      await using small = new TestStore({ directory: join(directory, 'store') });
      using full = small.openEngine();
      const ballast = join(directory, 'ballast');
      writeFileSync(ballast, Buffer.alloc(74 * 1024 * 1024));
      const big = makeImage([await makeTar({ big: noise(9_000_000, 'full') })]);
      await pushImage(registry, 'big', 'v1', big);
      await expect(full.images.pull(`${registry.host}/big:v1`, { policy: 'always', tlsVerify: false })).rejects.toMatchObject({
        code: 'disk-full',
      });
      expect(contentsOf(full)).toEqual(nothing);
      expect(small.partials()).toEqual([]);
      rmSync(ballast);
      const tiny = makeImage([await makeTar({ tiny: 'x' })]);
      await pushImage(registry, 'tiny', 'v1', tiny);
      expect((await full.images.pull(`${registry.host}/tiny:v1`, { policy: 'always', tlsVerify: false })).record.id).toBe(tiny.id);
    } finally {
      execFileSync('umount', [directory]);
      execFileSync('rmdir', [directory]);
    }
  });

  test('policy: reject, and a signature that cannot be checked, refuse before anything is fetched', async () => {
    await using server = await serveHttp((_asked, answer) => answer.end('{}'));
    const policies = [
      [{ type: 'reject' }, 'is rejected by the policy'],
      [{ type: 'signedBy', keyType: 'GPGKeys' }, 'needs signedBy'],
    ] as const;
    for (const [requirement, words] of policies) {
      const transports = { docker: { [`${server.host}/app`]: [requirement] } };
      store.write('.config/containers/policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }], transports }));
      await expect(pull(server.host)).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining(words) as string });
    }
    expect(server.requests).toEqual([]);
  });

  test('a mirror that fails is passed over, with a warning; one that works is used', async () => {
    await using mirror = await serveHttp((_asked, answer) => answer.writeHead(500).end());
    const conf = (location: string): void =>
      void store.write(
        '.config/containers/registries.conf',
        `[[registry]]\nprefix = "example.test"\nlocation = "${registry.host}"\ninsecure = true\n[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`,
      );
    conf(mirror.host);
    const log = new ProgressLog();
    const pulled = await engine.images.pull('example.test/app:v1', { policy: 'always', onProgress: log.add });
    expect(pulled.record.names).toEqual(['example.test/app:v1']);
    expect(log.warnings().some((text) => text.startsWith(`mirror ${mirror.host} does not serve it`))).toBe(true);
    await engine.images.remove('app:v1', { force: false });
    conf(registry.host);
    const second = new ProgressLog();
    await engine.images.pull('example.test/app:v1', { policy: 'always', onProgress: second.add });
    expect(second.items[0]).toEqual({ kind: 'resolved', reference: 'example.test/app:v1', source: `mirror ${registry.host}/app` });
  });
});
