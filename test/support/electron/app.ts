/** The application's life, and the Chromium behind its windows. */
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { type BrowserContext, chromium } from 'playwright-core';
import { chromiumArguments, chromiumProgram } from '../browser.ts';
import { report } from './report.ts';

interface Closable {
  close(): Promise<void>;
}

class App extends EventEmitter {
  readonly #windows = new Set<Closable>();
  readonly #ready = Promise.withResolvers<undefined>();
  #context: BrowserContext | undefined;
  #quitting = false;

  constructor() {
    super();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        this.quit();
      });
    }
    // The application's own code runs first, as it does in Electron.
    setImmediate(() => void this.#start());
  }

  isReady(): boolean {
    return this.#context !== undefined;
  }

  async whenReady(): Promise<void> {
    await this.#ready.promise;
  }

  /** One application is all that a test starts in a folder of its own. */
  requestSingleInstanceLock(): boolean {
    return true;
  }

  quit(): void {
    if (this.#quitting) return;
    this.#quitting = true;
    this.emit('before-quit', {});
    void Promise.all([...this.#windows].map((window) => window.close())).then(() => {
      const event = preventable({});
      this.emit('will-quit', event);
      if (!event.defaultPrevented) this.exit(0);
    });
  }

  exit(code: number): void {
    void (this.#context?.close() ?? Promise.resolve()).finally(() => process.exit(code));
  }

  /** For the windows. */
  get context(): BrowserContext {
    if (!this.#context) throw new Error('the application is not ready');
    return this.#context;
  }

  opened(window: Closable): void {
    this.#windows.add(window);
  }

  closed(window: Closable): void {
    this.#windows.delete(window);
    if (this.#windows.size === 0 && !this.#quitting) {
      if (!this.emit('window-all-closed')) this.quit();
    }
  }

  async #start(): Promise<void> {
    const { version } = createRequire(import.meta.url)('electron/package.json') as { version: string };
    const port = await freePort();
    this.#context = await chromium.launchPersistentContext('', {
      ...(chromiumProgram === undefined ? {} : { executablePath: chromiumProgram }),
      // The `close` event of a port is Electron's own addition; Chromium has it behind a switch.
      args: [...chromiumArguments, `--remote-debugging-port=${port}`, '--enable-blink-features=MessagePortCloseEvent'],
      viewport: { width: 1200, height: 800 },
      locale: 'en-US',
      userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Electron/${version} Safari/537.36`,
      timeout: 60_000,
    });
    report({ kind: 'ready', port });
    this.#ready.resolve(undefined);
    this.emit('ready');
  }
}

export const app = new App();

/** As Electron's events that can be said no to. */
export function preventable<T extends object>(details: T): T & { defaultPrevented: boolean; preventDefault(): void } {
  return {
    ...details,
    defaultPrevented: false,
    preventDefault() {
      this.defaultPrevented = true;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
