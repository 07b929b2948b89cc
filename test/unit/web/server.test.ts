import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { EngineError } from '../../../src-main/base/errors.ts';
import { startWebHost, type WebHost } from '../../../src-main/hosts/web/server.ts';

let pages: string;
let host: WebHost;
let port: number;
let cookie: string;

beforeAll(async () => {
  pages = mkdtempSync(join(tmpdir(), 'selkie-pages-'));
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>Selkie</title>');
  host = await startWebHost({
    pages,
    port: 0,
    client: () => Promise.reject(new EngineError('missing-tool', 'conmon is not installed', { fix: 'install it' })),
    onBug: (error) => {
      throw error;
    },
  });
  port = Number(new URL(host.url).port);
  cookie = String((await get(new URL(host.url).pathname + new URL(host.url).search)).headers['set-cookie']?.[0]).split(';')[0] ?? '';
});
afterAll(async () => {
  await host.close();
  rmSync(pages, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>> & { 'set-cookie'?: string[] | undefined };
  readonly body: string;
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, headers: { host: `selkie.localhost:${port}`, ...headers } },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

function socketStatus(path: string, headers: Record<string, string>): Promise<number | 'open'> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: `selkie.localhost:${port}`, ...headers } });
    socket.on('open', () => {
      socket.close();
      resolve('open');
    });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
}

describe('the way in', () => {
  test('the token is exchanged for a strict, HttpOnly cookie and leaves the address', async () => {
    const { pathname, search } = new URL(host.url);
    const answer = await get(pathname + search);
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toBe('/');
    expect(answer.headers['set-cookie']?.[0]).toMatch(/HttpOnly; SameSite=Strict$/);
  });

  test('a wrong token, no cookie, and a wrong cookie get nothing', async () => {
    expect((await get('/?token=wrong')).status).toBe(403);
    expect((await get('/')).status).toBe(403);
    expect((await get('/', { cookie: 'selkie-session=wrong' })).status).toBe(403);
    expect((await get('/index.html')).body).not.toContain('doctype');
  });

  test('with the cookie the page comes, under a strict policy', async () => {
    const answer = await get('/', { cookie });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Selkie');
    expect(String(answer.headers['content-security-policy'])).toContain("default-src 'self'");
  });

  test('a rebound name and a foreign origin are refused in spite of the cookie', async () => {
    expect((await get('/', { cookie, host: `evil.example:${port}` })).status).toBe(403);
    expect((await get('/', { cookie, host: `selkie.localhost:${port + 1}` })).status).toBe(403);
    expect((await get('/', { cookie, origin: 'http://evil.example' })).status).toBe(403);
  });

  test('paths do not leave the pages, and nothing can be posted', async () => {
    expect((await get('/../../etc/passwd', { cookie })).status).toBe(404);
    expect((await get('/%2e%2e/%2e%2e/etc/passwd', { cookie })).status).toBe(404);
    expect((await get('/', { cookie }, 'POST')).status).toBe(405);
  });
});

describe('the socket', () => {
  const origin = () => `http://selkie.localhost:${port}`;

  test('opens only for our own page with the cookie', async () => {
    expect(await socketStatus('/rpc', { cookie, origin: origin() })).toBe('open');
    expect(await socketStatus('/rpc', { origin: origin() })).toBe(403);
    expect(await socketStatus('/rpc', { cookie })).toBe(403);
    expect(await socketStatus('/rpc', { cookie, origin: 'http://evil.example' })).toBe(403);
    expect(await socketStatus('/rpc', { cookie, origin: `http://localhost:${port}` })).toBe(403);
    expect(await socketStatus('/other', { cookie, origin: origin() })).toBe(404);
  });

  test('an engine that cannot be started is told as such, with the fix', async () => {
    const { createClient } = await import('../../../src-main/rpc/rpc.ts');
    const { webSocketChannel } = await import('../../../src-main/rpc/transports/web-socket.ts');
    const { engineContract } = await import('../../../src-main/contract/engine.ts');
    const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers: { host: `selkie.localhost:${port}`, cookie, origin: origin() } });
    const client = createClient(engineContract, webSocketChannel(socket));
    await expect(client.ready).rejects.toMatchObject({ code: 'missing-tool', fix: 'install it' });
  });
});
