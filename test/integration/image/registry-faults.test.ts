/** Registries that lead nowhere, send more than they said, or stop in the middle to say: later. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeImage, makeTar, noise, type TestImage } from './test-image.ts';
import { pushImage, registryProgram, serveBefore, serveHttp, TestRegistry } from './test-registry.ts';
import { contentsOf, nothing, ProgressLog, type TestEngine, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';

describe.skipIf(reason !== '')(`registries with other ideas ${reason}`, () => {
  let registry: TestRegistry;
  let store: TestStore;
  let engine: TestEngine;
  let image: TestImage;
  let upper: TestImage['layers'][number];

  beforeAll(async () => {
    registry = await TestRegistry.start();
    image = makeImage([await makeTar({ lower: noise(50_000, 'lower') }), await makeTar({ upper: noise(1_000_000, 'other ideas') })]);
    upper = image.layers[1] as typeof upper;
    await pushImage(registry, 'app', 'v1', image);
  });
  afterAll(() => registry[Symbol.asyncDispose]());
  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
  });
  afterEach(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  });

  const pull = (host: string, onProgress?: ProgressLog['add']) =>
    engine.images.pull(`${host}/app:v1`, { policy: 'always', tlsVerify: false, ...(onProgress ? { onProgress } : {}) });
  const isUpper = (url: string | undefined): boolean => url?.endsWith(upper.digest) === true;

  test.each(['/manifests/', '/blobs/'])('a redirect of %s in a loop ends, and is said', async (part) => {
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (asked.url?.includes(part) !== true) return false;
      upstream.resume();
      const path = asked.url.split('?')[0] ?? '';
      answer.writeHead(307, { location: `${path}?again=${String(Math.random()).slice(2)}` }).end();
      return true;
    });
    await expect(pull(proxy.host)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/redirects .* more than 5 times/) as string,
    });
    expect(contentsOf(engine)).toEqual(nothing);
    expect(proxy.requests.length).toBeLessThan(60);
  });

  test('two hosts that redirect to each other', async () => {
    await using other = await serveHttp((asked, answer) => answer.writeHead(302, { location: `http://${back}${asked.url ?? ''}` }).end());
    let back = '';
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (asked.url?.includes('/blobs/') !== true) return false;
      upstream.resume();
      answer.writeHead(302, { location: `http://${other.host}${asked.url}` }).end();
      return true;
    });
    back = proxy.host;
    await expect(pull(proxy.host)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('redirects') as string });
    expect(contentsOf(engine)).toEqual(nothing);
  });

  test.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'http://[::', '//'])('a redirect to %s is not followed', async (location) => {
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isUpper(asked.url)) return false;
      upstream.resume();
      answer.writeHead(307, { location }).end();
      return true;
    });
    await expect(pull(proxy.host)).rejects.toMatchObject({
      name: 'EngineError',
      code: expect.stringMatching(/^(?:denied|unavailable)$/) as string,
    });
    expect(contentsOf(engine)).toEqual(nothing);
  });

  test('a blob that is longer than its manifest says, without end: no more is read than that', async () => {
    let sent = 0;
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isUpper(asked.url)) return false;
      upstream.resume();
      answer.writeHead(200, { 'content-type': 'application/octet-stream' });
      answer.write(upper.bytes);
      const more = Buffer.alloc(65_536);
      const go = (): void => {
        while (!answer.destroyed && sent < 400_000_000) {
          sent += more.length;
          if (!answer.write(more)) {
            answer.once('drain', go);
            return;
          }
        }
        answer.end();
      };
      go();
      return true;
    });
    await expect(pull(proxy.host)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(sent).toBeLessThan(60_000_000);
    expect(contentsOf(engine)).toEqual(nothing);
    expect(store.partials()).toEqual([]);
  });

  test('a web page in the place of a blob, and of the configuration', async () => {
    const cases = [
      { digest: upper.digest, said: { code: 'corrupt', message: expect.stringMatching(/ended after 48 of \d+ bytes$/) as string } },
      { digest: image.config.digest, said: { code: 'digest-mismatch' } },
    ];
    for (const { digest, said } of cases) {
      await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
        if (asked.url?.endsWith(digest) !== true) return false;
        upstream.resume();
        answer.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Sign in to the network</body></html>');
        return true;
      });
      await expect(pull(proxy.host)).rejects.toMatchObject(said);
      expect(contentsOf(engine)).toEqual(nothing);
    }
  });

  test('throttled between two layers: waited for, and the pull goes on', async () => {
    let left = 2;
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (!isUpper(asked.url) || left === 0) return false;
      left -= 1;
      upstream.resume();
      answer.writeHead(429, { 'retry-after': '0' }).end('{"errors":[{"code":"TOOMANYREQUESTS","message":"later"}]}');
      return true;
    });
    const log = new ProgressLog();
    expect((await pull(proxy.host, log.add)).record.id).toBe(image.id);
    expect(left).toBe(0);
    expect(log.states(upper.digest)).toContain('retrying');
    const lower = image.layers[0]?.digest ?? '';
    expect(proxy.requests.filter(({ url }) => url?.endsWith(lower) === true)).toHaveLength(1);
  });
});
