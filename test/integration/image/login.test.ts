import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { type TestImage, makeImage, makeTar } from './test-image.ts';
import { TestRegistry, account, makeCertificates, pushImage, registryProgram, serveBefore, serveHttp } from './test-registry.ts';
import { type TestEngine, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';
const htpasswd = 'selkie:$2y$05$ivLTy1aTyliAHQPKAMOo4.UldguS9FhTRq3qfjw1kN97/oe7L7vRW\n';
const basic = `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`;

describe.skipIf(reason !== '')(`registries with a password and with TLS ${reason}`, () => {
  let directory: string;
  let plain: TestRegistry;
  let secure: TestRegistry;
  let certificates: ReturnType<typeof makeCertificates>;
  let image: TestImage;
  let store: TestStore;
  let engine: TestEngine;

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/selkie-tls-');
    certificates = makeCertificates(directory);
    plain = await TestRegistry.start();
    image = makeImage([await makeTar({ secret: 'x' })]);
    await pushImage(plain, 'private/app', 'v1', image);
    secure = await TestRegistry.start({ tls: certificates, htpasswd, data: join(plain.directory, 'data') });
  });
  afterAll(async () => {
    await secure[Symbol.asyncDispose]();
    await plain[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  const trust = (): void => void store.write(`.config/containers/certs.d/${secure.host}/ca.crt`, readFileSync(certificates.ca));
  const name = (): string => `${secure.host}/private/app:v1`;

  test('a certificate of an unknown authority says where to put it', async () => {
    const error: unknown = await engine.images.pull(name(), { policy: 'always' }).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('signed by an authority') as string });
    expect(isEngineError(error) && error.fix).toContain(`certs.d/${secure.host}/ca.crt`);
  });

  test('without credentials, with wrong ones, with right ones', async () => {
    trust();
    await expect(engine.images.pull(name(), { policy: 'always' })).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('wants a login') as string,
    });
    await expect(engine.images.pull(name(), { policy: 'always', credentials: 'selkie:wrong' })).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('refused user "selkie" from --creds') as string,
    });
    const pulled = await engine.images.pull(name(), { policy: 'always', credentials: 'selkie:seal' });
    expect(pulled.record.id).toBe(image.id);
  });

  test('--cert-dir, and auth.json by the most specific key', async () => {
    const wrong = Buffer.from('selkie:wrong').toString('base64');
    const right = Buffer.from('selkie:seal').toString('base64');
    const authFile = store.write(
      'auth.json',
      JSON.stringify({ auths: { [secure.host]: { auth: wrong }, [`${secure.host}/private`]: { auth: right } } }),
    );
    const certDirectory = dirname(store.write('certificates/ca.crt', readFileSync(certificates.ca)));
    const pulled = await engine.images.pull(name(), { policy: 'always', authFile, certDirectory });
    expect(pulled.record.id).toBe(image.id);
    await expect(engine.images.pull(name(), { policy: 'always', authFile: join(directory, 'none') })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test('tls-verify=false reaches it without a certificate', async () => {
    const pulled = await engine.images.pull(name(), { policy: 'always', credentials: 'selkie:seal', tlsVerify: false });
    expect(pulled.record.id).toBe(image.id);
  });

  test('a redirect to another origin gets no credentials', async () => {
    await using elsewhere = await serveBefore(plain, () => false);
    await using front = await serveBefore(plain, (asked, upstream, answer) => {
      if (asked.headers.authorization !== basic) {
        upstream.resume();
        answer.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
        return true;
      }
      if (asked.url?.includes('/blobs/') !== true) return false;
      upstream.resume();
      answer.writeHead(307, { location: `http://${elsewhere.host}${asked.url}` }).end();
      return true;
    });
    const pulled = await engine.images.pull(`${front.host}/private/app:v1`, {
      policy: 'always',
      credentials: 'selkie:seal',
      tlsVerify: false,
    });
    expect(pulled.record.id).toBe(image.id);
    expect(elsewhere.requests.map(({ url }) => url?.includes('/blobs/'))).toEqual([true, true]);
    expect(elsewhere.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    expect(front.requests.some(({ headers }) => headers.authorization === basic)).toBe(true);
  });

  test('tokens: by password, by identity token, and a new one when the old is refused', async () => {
    const asked: string[] = [];
    const answerToken = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
      asked.push(request.method === 'POST' ? await text(request) : `${request.headers.authorization ?? ''} ${request.url ?? ''}`);
      answer.end(JSON.stringify({ token: `token-${asked.length}` }));
    };
    await using tokens = await serveHttp((request, answer) => void answerToken(request, answer));
    let refused = 0;
    await using front = await serveBefore(plain, (request, upstream, answer) => {
      // The first token is good for the manifest alone.
      const good =
        request.headers.authorization === `Bearer token-${asked.length}` &&
        !(asked.length === 1 && request.url?.includes('/blobs/') === true);
      if (good) return false;
      refused++;
      upstream.resume();
      answer.writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens.host}/token",service="front"` }).end();
      return true;
    });
    const fullName = `${front.host}/private/app:v1`;
    await engine.images.pull(fullName, { policy: 'always', credentials: 'selkie:seal', tlsVerify: false });
    expect(asked[0]).toBe(`${basic} /token?service=front&scope=repository%3Aprivate%2Fapp%3Apull&account=selkie`);
    expect(asked.length).toBeGreaterThan(1);
    expect(refused).toBeGreaterThan(1);

    asked.length = 0;
    await engine.images.remove(fullName, { force: true });
    const auth = { [front.host]: { auth: Buffer.from('<token>:').toString('base64'), identitytoken: 'refresh-me' } };
    const authFile = store.write('auth.json', JSON.stringify({ auths: auth }));
    await engine.images.pull(fullName, { policy: 'always', authFile, tlsVerify: false });
    expect(new URLSearchParams(asked[0]).get('refresh_token')).toBe('refresh-me');
    expect(new URLSearchParams(asked[0]).get('grant_type')).toBe('refresh_token');
  });
});
