/** docker-registry with tokens, and a service that signs them: who may what, and what ends in the middle. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasSkopeo, skopeoAside } from './peers.ts';
import { makeImage, makeTar, noise, type TestImage } from './test-image.ts';
import { makeCertificates, pushImage, registryProgram, serveBefore, TestRegistry } from './test-registry.ts';
import { contentsOf, nothing, type TestEngine, TestStore } from './test-store.ts';
import { leewaySeconds, TokenServer } from './token-server.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';
const [writer, reader] = ['writer:seal', 'reader:walrus'];

describe.skipIf(reason !== '')(`a registry with tokens ${reason}`, () => {
  let directory: string;
  let tokens: TokenServer;
  let registry: TestRegistry;
  let image: TestImage;
  let store: TestStore;
  let engine: TestEngine;
  /** Of the token with that number since the last test; a short one the registry takes for one to two seconds more. */
  let shortLived: ReadonlySet<number> = new Set();
  const soon = 1 - leewaySeconds;

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/selkie-token-');
    const { ca, cert, key } = makeCertificates(directory);
    const names = { service: 'test registry', issuer: 'test issuer' };
    tokens = await TokenServer.start({
      ...{ cert, key, ...names },
      users: {
        writer: { password: 'seal', actions: ['pull', 'push'] },
        reader: { password: 'walrus', actions: ['pull'] },
        '': { password: '', actions: [] },
      },
      lifeSeconds: (number) => (shortLived.has(number) ? soon : 300),
    });
    await using open = await TestRegistry.start({ data: `${directory}/data` });
    image = makeImage([await makeTar({ lower: noise(300_000, 'lower') }), await makeTar({ upper: noise(3_000_000, 'upper') })]);
    await pushImage(open, 'private/app', '1', image);
    registry = await TestRegistry.start({ data: `${directory}/data`, token: { realm: tokens.realm, ca, ...names } });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await tokens[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    tokens.grants.length = 0;
    shortLived = new Set();
  });
  afterEach(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  });

  const pull = (host: string, credentials?: string) =>
    engine.images.pull(`${host}/private/app:1`, {
      policy: 'always',
      tlsVerify: false,
      ...(credentials === undefined ? {} : { credentials }),
    });
  const push = (place: string, credentials: string) =>
    engine.images.push(`${registry.host}/private/app:1`, place, { tlsVerify: false, credentials });
  const scopes = (): string[] => [...new Set(tokens.grants.flatMap((grant) => grant.scopes))];

  test('pulled by who may, with a token for just that; not by a stranger, nor with a wrong password', async () => {
    expect((await pull(registry.host, reader)).record.id).toBe(image.id);
    expect(scopes()).toEqual(['repository:private/app:pull']);
    await engine.images.remove(image.id, { force: true });
    for (const credentials of [undefined, 'reader:wrong']) {
      await expect(pull(registry.host, credentials)).rejects.toMatchObject({
        code: expect.stringMatching(/unauthorized|denied/) as string,
      });
      expect(contentsOf(engine)).toEqual(nothing);
    }
  });

  test('pushed by who may, with a token for just that; who may only read is refused and leaves nothing to be pulled', async () => {
    await pull(registry.host, reader);
    tokens.grants.length = 0;
    await push(`${registry.host}/private/copy:1`, writer);
    // It may be mounted from where it came from, which has to be read for that.
    for (const scope of scopes()) expect(['repository:private/copy:pull,push', 'repository:private/app:pull']).toContain(scope);
    expect(scopes()).toContain('repository:private/copy:pull,push');
    if (hasSkopeo)
      expect(
        JSON.parse(
          await skopeoAside('inspect', '--raw', '--tls-verify=false', '--creds', writer, `docker://${registry.host}/private/copy:1`),
        ),
      ).toEqual(JSON.parse(image.manifest.bytes.toString()));
    const error: unknown = await push(`${registry.host}/private/refused:1`, reader).catch((one: unknown) => one);
    expect(error).toMatchObject({ name: 'EngineError', code: expect.stringMatching(/unauthorized|denied/) as string });
    expect((error as Error).message).not.toContain('\n');
    await expect(
      engine.images.pull(`${registry.host}/private/refused:1`, { policy: 'always', tlsVerify: false, credentials: writer }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  /** Asks the registry, until it takes that token no more. */
  async function refused(authorization: string): Promise<void> {
    for (;;) {
      const { statusCode, body } = await request(`${registry.origin}/v2/private/app/tags/list`, { headers: { authorization } });
      await body.dump();
      if (statusCode === 401) return;
      await pause(20);
    }
  }

  /** Holds up what follows until no registry takes the first token any more. */
  function holdUntilEnd(isHeld: (asked: IncomingMessage) => boolean): (asked: IncomingMessage) => boolean | Promise<boolean> {
    let held = false;
    return (asked) => {
      if (held || !isHeld(asked)) return false;
      held = true;
      return refused(asked.headers.authorization ?? '').then(() => false);
    };
  }

  test('a token that ends between two layers of a pull is replaced, and nothing is fetched twice', async () => {
    shortLived = new Set([1]);
    const [lower, upper] = image.layers;
    await using proxy = await serveBefore(
      registry,
      () => false,
      holdUntilEnd(({ url }) => url?.includes(upper?.digest ?? '') === true),
    );
    expect((await pull(proxy.host, reader)).record.id).toBe(image.id);
    expect(tokens.grants.length).toBeGreaterThan(1);
    expect(proxy.requests.filter(({ url, method }) => method === 'GET' && url?.includes(lower?.digest ?? '') === true)).toHaveLength(1);
    // Refused, then taken.
    const asked = proxy.requests.filter(({ url, method }) => method === 'GET' && url?.includes(upper?.digest ?? '') === true);
    expect(new Set(asked.map(({ headers }) => headers.authorization)).size).toBe(asked.length);
    expect(asked.length).toBe(2);
  });

  test('a token that ends between two layers of a push is replaced', async () => {
    await pull(registry.host, reader);
    tokens.grants.length = 0;
    shortLived = new Set([1]);
    // No mount: all has to be sent.
    let uploads = 0;
    await using proxy = await serveBefore(
      registry,
      () => false,
      holdUntilEnd(({ method }) => method === 'PATCH' && (uploads += 1) === 2),
    );
    await push(`${proxy.host}/private/late:1`, writer);
    expect(uploads).toBeGreaterThanOrEqual(2);
    expect(tokens.grants.length).toBeGreaterThan(1);
    await engine.images.remove(image.id, { force: true });
    const again = await engine.images.pull(`${registry.host}/private/late:1`, { policy: 'always', tlsVerify: false, credentials: reader });
    expect(again.record.id).toBe(image.id);
  });

  test('a blob on another host is fetched without the token', async () => {
    await using open = await TestRegistry.start({ data: `${directory}/data` });
    await using elsewhere = await serveBefore(open, () => false);
    await using front = await serveBefore(registry, (asked, upstream, answer) => {
      if (asked.url?.includes('/blobs/') !== true || upstream.statusCode !== 200) return false;
      upstream.resume();
      answer.writeHead(307, { location: `http://${elsewhere.host}${asked.url}` }).end();
      return true;
    });
    expect((await pull(front.host, reader)).record.id).toBe(image.id);
    expect(front.requests.some(({ headers }) => headers.authorization?.startsWith('Bearer ') === true)).toBe(true);
    expect(elsewhere.requests.length).toBeGreaterThanOrEqual(3);
    expect(elsewhere.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });
});
