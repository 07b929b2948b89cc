import { EventEmitter } from 'node:events';
import type { Frame as PageFrame, Page, Request } from 'playwright-core';
import { app, preventable } from './app.ts';
import { type Frame, Frames } from './frames.ts';
import { ipcMain } from './ipc-main.ts';
import { serveSchemes, toApplication, toChromium } from './protocol.ts';
import { report } from './report.ts';

interface WindowOptions {
  readonly width?: number;
  readonly height?: number;
  readonly title?: string;
  readonly webPreferences: {
    readonly preload: string;
    readonly sandbox: boolean;
    readonly contextIsolation: boolean;
    readonly nodeIntegration: boolean;
  };
}

type OpenHandler = (details: { readonly url: string; readonly frameName: string }) => { readonly action: 'allow' | 'deny' };
type PermissionHandler = (contents: WebContents, permission: string, decide: (granted: boolean) => void) => void;

/** Electron's names of permissions, and Chromium's. */
const permissions: Readonly<Record<string, string>> = {
  'clipboard-sanitized-write': 'clipboard-write',
  'clipboard-read': 'clipboard-read',
  geolocation: 'geolocation',
  notifications: 'notifications',
  media: 'camera',
};

class WebContents extends EventEmitter {
  openHandler: OpenHandler = () => ({ action: 'allow' });
  permissionHandler: PermissionHandler | undefined;
  frames: Frames | undefined;

  readonly session = {
    setPermissionRequestHandler: (handler: PermissionHandler): void => {
      this.permissionHandler = handler;
    },
  };

  get mainFrame(): Frame | undefined {
    return this.frames?.main;
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.openHandler = handler;
  }

  /** What the application grants of all that a page may ask for. */
  granted(): readonly string[] {
    return Object.entries(permissions).flatMap(([name, chromiumName]) => {
      const answers: boolean[] = [];
      this.permissionHandler?.(this, name, (answer) => answers.push(answer));
      return answers.includes(true) ? [chromiumName] : [];
    });
  }
}

export class BrowserWindow extends EventEmitter {
  readonly webContents = new WebContents();
  readonly #options: WindowOptions;
  #page: Page | undefined;
  /** A navigation that the application itself has asked for is not asked about. */
  #loading = false;

  constructor(options: WindowOptions) {
    super();
    const { sandbox, contextIsolation, nodeIntegration } = options.webPreferences;
    if (!sandbox || !contextIsolation || nodeIntegration)
      throw new Error('the stand-in has sandboxed, isolated windows without Node alone');
    if (!app.isReady()) throw new Error('Cannot create BrowserWindow before app is ready');
    this.#options = options;
    app.opened(this);
  }

  async loadURL(url: string): Promise<void> {
    const page = await this.#open(url);
    this.#loading = true;
    try {
      await page.goto(toChromium(url), { waitUntil: 'domcontentloaded' });
    } finally {
      this.#loading = false;
    }
    this.emit('ready-to-show');
  }

  show(): void {
    report({ kind: 'shown', title: this.#options.title ?? '' });
  }

  isMinimized(): boolean {
    return false;
  }

  focus(): void {
    void this.#page?.bringToFront();
  }

  async close(): Promise<void> {
    await this.#page?.close();
  }

  async #open(url: string): Promise<Page> {
    if (this.#page) return this.#page;
    const { context } = app;
    const page = context.pages()[0] ?? (await context.newPage());
    this.#page = page;
    page.once('close', () => {
      this.emit('closed');
      app.closed(this);
    });
    // Whatever else is opened in there is no window of the application.
    context.on('page', (other) => void other.close());
    await serveSchemes(context, (route) => this.#mayLoad(route.request()));
    this.webContents.frames = await Frames.of(page, this.#options.webPreferences.preload, (frame, channel, args) => {
      ipcMain.emit(channel, { sender: this.webContents, senderFrame: frame }, ...args);
    });
    const session = await context.newCDPSession(page);
    session.on('Page.windowOpen', ({ url: target, windowName }) => {
      const { action } = this.webContents.openHandler({ url: toApplication(target), frameName: windowName });
      if (action === 'allow') throw new Error('the stand-in opens no further windows');
    });
    await session.send('Page.enable');
    await context.grantPermissions([...this.webContents.granted()], { origin: new URL(toChromium(url)).origin });
    return page;
  }

  #mayLoad(request: Request): boolean {
    if (!request.isNavigationRequest()) return true;
    const frame = frameOf(request);
    if (frame?.page() !== this.#page) return false;
    if (frame?.parentFrame() || this.#loading) return true;
    const event = preventable({ url: toApplication(request.url()) });
    this.webContents.emit('will-navigate', event);
    return !event.defaultPrevented;
  }
}

/** Undefined: the first request of a window that is only just being opened. */
function frameOf(request: Request): PageFrame | undefined {
  try {
    return request.frame();
  } catch {
    return undefined;
  }
}
