/** Debian's docker-registry on a free loopback port, and servers before it that break what they pass on. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { once } from 'node:events';
import { request } from 'undici';
import type { Blob, TestImage } from './test-image.ts';

export const registryProgram = ['/usr/bin/docker-registry', '/usr/bin/registry'].find((path) => existsSync(path));

/** bcrypt of "seal", as `htpasswd -nbB selkie seal` prints it. */
export const account = { user: 'selkie', password: 'seal' };

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** An authority and a certificate by it for 127.0.0.1, localhost and further names. */
export function makeCertificates(
  directory: string,
  names: readonly string[] = [],
): { readonly ca: string; readonly cert: string; readonly key: string } {
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=Selkie test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
  );
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    file('server.key'),
    '-out',
    file('server.csr'),
  );
  writeFileSync(file('ext'), `subjectAltName=${['localhost', ...names].map((name) => `DNS:${name}`).join(',')},IP:127.0.0.1\n`);
  openssl(
    'x509',
    '-req',
    '-in',
    file('server.csr'),
    '-CA',
    file('ca.crt'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    file('ext'),
    '-out',
    file('server.crt'),
  );
  return { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key') };
}

export interface RegistryOptions {
  /** `clientCa`: only clients with a certificate of that authority may speak to it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Content of an htpasswd file. */
  readonly htpasswd?: string;
  /** It takes tokens of that service, signed by a key with a certificate by that authority. */
  readonly token?: { readonly realm: string; readonly service: string; readonly issuer: string; readonly ca: string };
  /** Of another registry, which has ended. */
  readonly data?: string;
}

export class TestRegistry implements AsyncDisposable {
  readonly host: string;
  readonly directory: string;
  readonly #options: RegistryOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, options: RegistryOptions) {
    this.host = `127.0.0.1:${port}`;
    this.directory = mkdtempSync('/tmp/selkie-registry-');
    this.#options = options;
    const { tls, htpasswd, token } = options;
    if (htpasswd !== undefined) writeFileSync(join(this.directory, 'htpasswd'), htpasswd);
    const config = {
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: options.data ?? join(this.directory, 'data') } },
      http: {
        addr: this.host,
        ...(tls === undefined
          ? {}
          : { tls: { certificate: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { clientcas: [tls.clientCa] }) } }),
      },
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'selkie-test', path: join(this.directory, 'htpasswd') } } }),
      ...(token === undefined
        ? {}
        : { auth: { token: { realm: token.realm, service: token.service, issuer: token.issuer, rootcertbundle: token.ca } } }),
    };
    // JSON is YAML.
    writeFileSync(join(this.directory, 'config.yml'), JSON.stringify(config));
  }

  static async start(options: RegistryOptions = {}): Promise<TestRegistry> {
    const registry = new TestRegistry(await freePort(), options);
    await registry.start();
    return registry;
  }

  get origin(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.host}`;
  }

  async start(): Promise<void> {
    // Into a file: while a test waits in spawnSync nobody would read a pipe, and a registry whose log is full answers no more.
    const logPath = join(this.directory, 'log');
    const log = openSync(logPath, 'w');
    const child = spawn(registryProgram ?? '', ['serve', join(this.directory, 'config.yml')], { stdio: ['ignore', 'ignore', log] });
    closeSync(log);
    this.#process = child;
    while (!readFileSync(logPath, 'utf8').includes('listening on')) {
      if (child.exitCode !== null) throw new Error(`docker-registry ended: ${readFileSync(logPath, 'utf8')}`);
      await pause(10);
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function put(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<void> {
  const response = await request(url, { method: 'PUT', headers, body });
  if (response.statusCode !== 201) throw new Error(`PUT ${url}: ${response.statusCode} ${await response.body.text()}`);
  await response.body.dump();
}

export async function pushBlob(registry: TestRegistry, repository: string, { digest, bytes }: Blob): Promise<void> {
  const start = await request(`${registry.origin}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  await start.body.dump();
  const location = new URL(String(start.headers['location']), registry.origin);
  location.searchParams.set('digest', digest);
  await put(location.href, { 'content-type': 'application/octet-stream' }, bytes);
}

export async function pushManifest(
  registry: TestRegistry,
  repository: string,
  reference: string,
  { bytes, mediaType }: { readonly bytes: Buffer; readonly mediaType: string },
): Promise<void> {
  await put(`${registry.origin}/v2/${repository}/manifests/${reference}`, { 'content-type': mediaType }, bytes);
}

export async function pushImage(registry: TestRegistry, repository: string, tag: string, image: TestImage): Promise<void> {
  for (const one of [image.config, ...image.layers]) await pushBlob(registry, repository, one);
  await pushManifest(registry, repository, tag, image.manifest);
}

export interface TestServer extends AsyncDisposable {
  readonly host: string;
  readonly requests: IncomingMessage[];
}

/** Any HTTP server; keeps what was asked. */
export async function serveHttp(listener: RequestListener): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((asked, answer) => {
    requests.push(asked);
    listener(asked, answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Meddle = (asked: IncomingMessage, upstream: IncomingMessage, answer: ServerResponse) => boolean;

/**
 * Passes everything on to the registry; `meddle` may answer in its place. `onRequest` sees a request before it is passed on, and may hold it up; true: it
 * is not passed on, and what it brings is not even read.
 */
export function serveBefore(
  registry: TestRegistry,
  meddle: Meddle,
  onRequest: (asked: IncomingMessage) => boolean | Promise<boolean> = () => false,
): Promise<TestServer> {
  return serveHttp((asked, answer) => {
    const kept = onRequest(asked);
    if (typeof kept === 'boolean') pass(kept, asked, answer);
    else void kept.then((one) => pass(one, asked, answer));
  });

  function pass(kept: boolean, asked: IncomingMessage, answer: ServerResponse): void {
    if (kept) return;
    const upstream = httpRequest(`${registry.origin}${asked.url ?? ''}`, { method: asked.method, headers: asked.headers }, (response) => {
      if (meddle(asked, response, answer)) return;
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    upstream.on('error', () => answer.destroy());
    asked.pipe(upstream);
  }
}
