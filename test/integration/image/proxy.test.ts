/** The way to a registry: through a proxy, and with a client certificate. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestImage, makeImage, makeTar } from './test-image.ts';
import { TestRegistry, makeCertificates, pushImage, registryProgram } from './test-registry.ts';
import { type TestEngine, TestStore, contentsOf, nothing } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';
/** A name that is nowhere in the world: only the proxy knows where that is. */
const farHost = 'registry.test';

interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** `CONNECT host:port` or `GET http://host:port/…` of each request, with what it showed as its right. */
  readonly asked: { readonly line: string; readonly authorization: string | undefined }[];
}

/** Sends everything to the one place, whatever name it is asked for. */
async function openProxy(target: string, credentials?: string): Promise<Proxy> {
  const asked: Proxy['asked'][number][] = [];
  const right = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
  const [host = '', port = ''] = target.split(':');
  const server = createHttpServer((request, response) => {
    asked.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, authorization: request.headers['proxy-authorization'] });
    if (right !== undefined && request.headers['proxy-authorization'] !== right) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
      return;
    }
    const url = new URL(request.url ?? '', 'http://nowhere.test');
    const onward = httpRequest(
      { host, port, method: request.method, path: url.pathname + url.search, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, client, head: Buffer) => {
    asked.push({ line: `CONNECT ${request.url ?? ''}`, authorization: request.headers['proxy-authorization'] });
    if (right !== undefined && request.headers['proxy-authorization'] !== right) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="proxy"\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function makeClientCertificate(directory: string): { readonly cert: string; readonly key: string } {
  const file = (name: string): string => join(directory, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=client', '-keyout', file('client.key')];
  execFileSync('openssl', ['req', ...key, '-out', file('client.csr')], { stdio: 'pipe' });
  const authority = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
  execFileSync('openssl', ['x509', '-req', '-in', file('client.csr'), ...authority, '-out', file('client.cert')], { stdio: 'pipe' });
  return { cert: file('client.cert'), key: file('client.key') };
}

describe.skipIf(reason !== '')(`the way to a registry ${reason}`, () => {
  let directory: string;
  let plain: TestRegistry;
  let secure: TestRegistry;
  let certificates: ReturnType<typeof makeCertificates>;
  let client: ReturnType<typeof makeClientCertificate>;
  let image: TestImage;
  let store: TestStore;
  let engine: TestEngine;

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/selkie-way-');
    certificates = makeCertificates(directory, [farHost]);
    client = makeClientCertificate(directory);
    plain = await TestRegistry.start();
    image = makeImage([await makeTar({ far: 'away' })]);
    await pushImage(plain, 'team/app', 'v1', image);
    secure = await TestRegistry.start({ tls: certificates, data: join(plain.directory, 'data') });
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

  const trust = (host: string): void => void store.write(`.config/containers/certs.d/${host}/ca.crt`, readFileSync(certificates.ca));
  const pull = async (host: string, options: { readonly tlsVerify?: boolean } = {}) =>
    (await engine.images.pull(`${host}/team/app:v1`, { policy: 'always', ...options })).record.id;

  test('HTTPS_PROXY: the registry is reached through a tunnel, with the right of the URL, and its certificate is verified', async () => {
    await using proxy = await openProxy(secure.host, 'seal:seaweed');
    store.environment['HTTPS_PROXY'] = proxy.url;
    await expect(pull(farHost)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('signed by an authority') as string,
    });
    trust(farHost);
    using again = store.openEngine();
    expect((await again.images.pull(`${farHost}/team/app:v1`, { policy: 'always' })).record.id).toBe(image.id);
    const authorization = `Basic ${Buffer.from('seal:seaweed').toString('base64')}`;
    expect(new Set(proxy.asked.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ line: `CONNECT ${farHost}:443`, authorization })]),
    );
  });

  test('HTTP_PROXY: plain requests are sent to the proxy as they are; small letters count too', async () => {
    await using proxy = await openProxy(plain.host);
    store.environment['http_proxy'] = proxy.url;
    store.write('.config/containers/registries.conf', `[[registry]]\nlocation = "${farHost}"\ninsecure = true\n`);
    // https is tried first, without a proxy of its own: the name is nowhere.
    expect(await pull(farHost)).toBe(image.id);
    expect(proxy.asked.map(({ line }) => line)).toContain(`GET http://${farHost}/v2/team/app/manifests/v1`);
  });

  test.each([farHost, '.test', `${farHost}:443`, '*'])('NO_PROXY=%s goes past it', async (excluded) => {
    await using proxy = await openProxy(secure.host);
    Object.assign(store.environment, { HTTPS_PROXY: proxy.url, NO_PROXY: `elsewhere.example,${excluded}` });
    await expect(pull(farHost)).rejects.toMatchObject({ code: 'unavailable', details: { host: farHost } });
    expect(proxy.asked).toEqual([]);
  });

  test('this machine is never asked through a proxy', async () => {
    await using proxy = await openProxy('127.0.0.1:1');
    Object.assign(store.environment, { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });
    trust(secure.host);
    expect(await pull(secure.host)).toBe(image.id);
    expect(proxy.asked).toEqual([]);
  });

  test('a proxy that refuses, one that is not there, and one that is no URL are told as such', async () => {
    await using proxy = await openProxy(secure.host, 'seal:seaweed');
    const address = new URL(proxy.url).host;
    store.environment['HTTPS_PROXY'] = `http://${address}`;
    await expect(pull(farHost)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(new RegExp(`${farHost}: the proxy ${address} wants a login`)) as string,
      fix: expect.stringContaining('HTTPS_PROXY') as string,
    });
    store.environment['HTTPS_PROXY'] = 'http://seal:secret@127.0.0.1:1';
    await expect(pull(farHost)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/registry\.test: the proxy 127\.0\.0\.1:1: connection refused/) as string,
      fix: expect.stringContaining('HTTPS_PROXY') as string,
    });
    store.environment['HTTPS_PROXY'] = 'socks5://127.0.0.1:1';
    await expect(pull(farHost)).rejects.toMatchObject({ code: 'invalid-argument', fix: expect.stringContaining('HTTPS_PROXY') as string });
    expect(contentsOf(engine)).toEqual(nothing);
  });

  describe('a registry that wants a client certificate', () => {
    let server: TestRegistry;
    beforeAll(async () => {
      const { ca, cert, key } = certificates;
      server = await TestRegistry.start({ tls: { cert, key, clientCa: ca }, data: join(plain.directory, 'data') });
    });
    afterAll(() => server[Symbol.asyncDispose]());
    beforeEach(() => trust(server.host));
    const install = (name: string, path: string): void =>
      void store.write(`.config/containers/certs.d/${server.host}/${name}`, readFileSync(path));

    test('client.cert and client.key of certs.d let us in', async () => {
      install('client.cert', client.cert);
      install('client.key', client.key);
      expect(await pull(server.host)).toBe(image.id);
    });

    test('without one it says that it is wanted, and where to put it', async () => {
      await expect(pull(server.host)).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringContaining('wants a client certificate') as string,
        fix: expect.stringContaining(`certs.d/${server.host}/`) as string,
      });
    });

    test('one of another authority is said to be refused', async () => {
      const other = mkdtempSync(join(directory, 'other-'));
      makeCertificates(other);
      const stranger = makeClientCertificate(other);
      install('client.cert', stranger.cert);
      install('client.key', stranger.key);
      await expect(pull(server.host)).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringMatching(/refuses our client certificate/) as string,
      });
    });

    test.each([
      ['client.cert', /client\.cert has no key client\.key beside it/],
      ['client.key', /client\.key has no certificate client\.cert beside it/],
    ])('%s alone is told in words', async (name, words) => {
      install(name, join(directory, name));
      await expect(pull(server.host)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringMatching(words) as string });
    });
  });
});
