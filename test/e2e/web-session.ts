/** The web host of one actor and a browser that has never been there: what each suite of the interface begins with. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeEach } from 'vitest';
import { Actor, actors } from '../support/actor.ts';
import { chromiumProgram, keepPicture, openBrowser, openWatched, type WatchedContext } from '../support/browser.ts';
import { WebHost } from '../support/web-host.ts';

/** An ordinary user where that is possible: that is who the product is for. */
const who = actors().findLast(({ skip }) => !skip);

/** As `reason`, for what only root can show. */
export const rootReason = process.getuid?.() === 0 && chromiumProgram !== undefined ? '' : '(skipped: needs root and Chromium)';

/** Empty when there is none; goes into the title. */
export const reason =
  who === undefined
    ? '(skipped: neither root nor an ordinary user can run containers here)'
    : chromiumProgram === undefined
      ? '(skipped: needs Chromium)'
      : '';

export interface SessionOptions {
  /** Somebody else than who it is by default. */
  readonly actor?: 'root';
  readonly environment?: (actor: Actor) => Readonly<Record<string, string>>;
  /** Before the web host starts: what the store already holds. */
  readonly prepare?: (actor: Actor) => void;
  readonly browser?: BrowserContextOptions;
}

export class WebSession {
  readonly actor: Actor;
  readonly host: WebHost;
  readonly page: Page;
  readonly misdeeds: string[];
  readonly #browser: Browser;
  readonly #watched: WatchedContext;

  private constructor(actor: Actor, host: WebHost, browser: Browser, watched: WatchedContext) {
    this.actor = actor;
    this.host = host;
    this.page = watched.page;
    this.misdeeds = watched.misdeeds;
    this.#browser = browser;
    this.#watched = watched;
  }

  static async open(options: SessionOptions = {}): Promise<WebSession> {
    const actor = new Actor(options.actor ?? who?.actor ?? 'root');
    options.prepare?.(actor);
    const host = await WebHost.start(actor, options.environment?.(actor));
    const browser = await openBrowser();
    // What containers publish is on the same machine under another name than the interface.
    const watched = await openWatched(browser, host.origin, { guests: (url) => url.hostname === 'localhost', ...options.browser });
    await watched.page.goto(host.entrance);
    return new WebSession(actor, host, browser, watched);
  }

  /** Clicks what opens a page of a container; answers that page and the cookies that its server was sent. */
  async openGuest(click: () => Promise<void>): Promise<{ readonly page: Page; readonly cookies: string | undefined }> {
    const { context } = this.#watched;
    const [page, request] = await Promise.all([
      context.waitForEvent('page'),
      context.waitForEvent('request', (sent) => sent.isNavigationRequest() && new URL(sent.url()).origin !== this.host.origin),
      click(),
    ]);
    await page.waitForLoadState('domcontentloaded');
    return { page, cookies: (await request.allHeaders())['cookie'] };
  }

  /** Ends everything; answers what was left behind. */
  async close(): Promise<string[]> {
    await this.#browser.close();
    await this.host[Symbol.asyncDispose]();
    const leaks = await this.actor.leaks();
    await this.actor[Symbol.asyncDispose]();
    return leaks;
  }
}

/** The tests of a suite are the steps of one journey: after one that failed the others would only tell the same again. */
export function asJourney(page: () => Page): void {
  let failed = '';
  beforeEach(({ skip }) => {
    if (failed !== '') skip(`after the failure of: ${failed}`);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    failed ||= task.name;
    await keepPicture(page(), task.name);
  });
}
