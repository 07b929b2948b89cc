/** Schemes of the application's own: a page of `selkie://app/` is shown by Chromium as one of `https://app.selkie.test/`. */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Route } from 'playwright-core';
import { app } from './app.ts';

type Handler = (request: Request) => Response | Promise<Response>;

const privileged = new Set<string>();
const handlers = new Map<string, Handler>();

export const protocol = {
  registerSchemesAsPrivileged(schemes: readonly { readonly scheme: string; readonly privileges: { readonly standard?: boolean } }[]): void {
    if (app.isReady()) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    for (const { scheme, privileges } of schemes) if (privileges.standard === true) privileged.add(scheme);
  },
  handle(scheme: string, handler: Handler): void {
    if (!app.isReady()) throw new Error('protocol.handle needs an application that is ready');
    if (!privileged.has(scheme)) throw new Error(`the stand-in serves standard schemes alone, and ${scheme} was not registered as one`);
    handlers.set(scheme, handler);
  },
};

/** As Chromium is to know it. */
export function toChromium(url: string): string {
  const own = /^([a-z]+):\/\/([^/]+)(.*)$/.exec(url);
  return own && privileged.has(own[1] ?? '') ? `https://${own[2] ?? ''}.${own[1] ?? ''}.test${own[3] ?? ''}` : url;
}

/** As the application is to know it. */
export function toApplication(url: string): string {
  const shown = /^https:\/\/([^/]+)\.([a-z]+)\.test(\/.*)$/.exec(url);
  return shown && privileged.has(shown[2] ?? '') ? `${shown[2] ?? ''}://${shown[1] ?? ''}${shown[3] ?? ''}` : url;
}

/** Answers what Chromium asks for below our schemes; everything else goes its way. */
export async function answer(route: Route): Promise<void> {
  const request = route.request();
  const url = toApplication(request.url());
  const handler = handlers.get(url.split(':')[0] ?? '');
  if (!handler) {
    await route.continue();
    return;
  }
  try {
    const response = await handler(new Request(url, { method: request.method(), headers: await request.allHeaders() }));
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  } catch {
    // As in Electron: a handler that fails is a request that fails.
    await route.abort('failed');
  }
}

/** Of every page of the context, from its first request on. */
export async function serveSchemes(context: BrowserContext, decide: (route: Route) => boolean): Promise<void> {
  await context.route('**', async (route) => {
    if (decide(route)) await answer(route);
    else await route.abort('aborted');
  });
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

export const net = {
  /** Files alone: that is all that the application asks for. */
  async fetch(url: string): Promise<Response> {
    if (!url.startsWith('file:')) throw new Error(`the stand-in fetches files alone, not ${url}`);
    const path = fileURLToPath(url);
    const content = await readFile(path).catch(() => {
      throw new TypeError('net::ERR_FILE_NOT_FOUND');
    });
    return new Response(content, { headers: { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' } });
  },
};
