/** A real Chromium, and a watch over everything that a page of ours must never do. */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const chromiumProgram = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

/** Nothing that Chromium does of its own accord may be taken for something that a page did. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(): Promise<Browser> {
  if (chromiumProgram === undefined) throw new Error('there is no Chromium on this machine');
  // On a machine that is busy with containers, starting may take its time.
  return chromium.launch({ executablePath: chromiumProgram, args: chromiumArguments, timeout: 60_000 });
}

export interface WatchedContext {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors in the console, exceptions, violations of the content security policy, requests to anybody else. */
  readonly misdeeds: string[];
}

/** A context that has never seen the product. Pages of `guests` are what a container serves: they are opened, not watched. */
export async function openWatched(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions & { readonly guests?: (url: URL) => boolean } = {},
): Promise<WatchedContext> {
  const { guests = () => false, ...rest } = options;
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...rest });
  context.setDefaultTimeout(20_000);
  const misdeeds: string[] = [];
  watch(context, misdeeds, (url) => url.protocol === 'data:' || url.protocol === 'blob:' || url.origin === origin || guests(url), guests);
  return { context, page: await context.newPage(), misdeeds };
}

export function watch(
  context: BrowserContext,
  misdeeds: string[],
  allowed: (url: URL) => boolean,
  guests: (url: URL) => boolean = () => false,
): void {
  const ofGuest = (url: string) => URL.canParse(url) && guests(new URL(url));
  context.on('console', (message) => {
    const from = message.location().url;
    if (message.type() === 'error' && !ofGuest(from)) {
      misdeeds.push(`console: ${message.text()} (${from})`);
    }
  });
  context.on('weberror', (error) => {
    if (!ofGuest(error.page()?.url() ?? '')) misdeeds.push(`exception: ${error.error().stack ?? error.error().message}`);
  });
  context.on('request', (request) => {
    if (!allowed(new URL(request.url()))) misdeeds.push(`request to another origin: ${request.url()}`);
  });
  context.on('page', (page) => {
    page.on('websocket', (socket) => {
      const url = new URL(socket.url().replace(/^ws/, 'http'));
      if (!allowed(url)) misdeeds.push(`socket to another origin: ${socket.url()}`);
    });
  });
}

/** What was to be seen when a test failed; not kept in the repository. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = resolve(import.meta.dirname, '../.output/e2e');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replaceAll(/[^\w-]+/g, '-')}.png`) }).catch(() => undefined);
}
