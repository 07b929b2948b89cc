import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BrowserWindow, net, protocol, shell } from 'electron';

/** A scheme of our own: `file:` pages may read other files, and have no origin to check. */
const scheme = 'selkie';
export const pageUrl = `${scheme}://app/index.html`;

const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Has to run before the application is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true } }]);
}

/** Serves the built interface, and only that, by our scheme. */
export function servePages(pages: string): void {
  protocol.handle(scheme, async (request) => {
    const { host, pathname } = new URL(request.url);
    const file = join(pages, decodeURIComponent(pathname));
    if (host !== 'app' || !file.startsWith(`${pages}/`)) return new Response('There is no such page.', { status: 404 });
    const answer = await net.fetch(pathToFileURL(file).href);
    const headers = new Headers(answer.headers);
    headers.set('Content-Security-Policy', contentSecurityPolicy);
    headers.set('X-Content-Type-Options', 'nosniff');
    return new Response(answer.body, { status: answer.status, headers });
  });
}

/** The window: sandboxed, isolated, without Node; it cannot go to another page, open others, or ask for permissions. */
export function openWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1200,
    height: 800,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Selkie',
    autoHideMenuBar: true,
    webPreferences: { preload, sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, spellcheck: false },
  });
  window.once('ready-to-show', () => {
    window.show();
  });
  window.webContents.setWindowOpenHandler(({ url }) => {
    if (/^https?:/.test(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  window.webContents.on('will-navigate', (event) => {
    // The page may load itself again, as it does after a failure.
    if (event.url.split(/[?#]/)[0] !== pageUrl) event.preventDefault();
  });
  window.webContents.session.setPermissionRequestHandler((_contents, permission, decide) => {
    decide(permission === 'clipboard-sanitized-write');
  });
  void window.loadURL(pageUrl);
  return window;
}
