import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { build } from '../../base/version.ts';
import { desktopContract } from '../../contract/desktop.ts';
import { EngineError } from '../../base/errors.ts';
import { type EngineClient, engineContract } from '../../contract/engine.ts';
import { forwardHandlers, type Handlers, serve } from '../../rpc/rpc.ts';
import { webSocketChannel } from '../../rpc/transports/web-socket.ts';
import { Access } from './access.ts';
import { Downloads, downloadsPath } from './downloads.ts';
import { refuse, servePage } from './pages.ts';

export interface WebHostOptions {
  /** The built interface: a folder with index.html. */
  readonly pages: string;
  /** 0: any free one. Only the loopback address is ever listened on. */
  readonly port: number;
  readonly client: () => Promise<EngineClient>;
  readonly onBug: (error: unknown, path: string) => void;
}

export interface WebHost {
  /** The address with the token: whoever has it has the engine. */
  readonly url: string;
  /** Ends every page's connection; the pages say that the engine is gone. */
  disconnectPages(): void;
  close(): Promise<void>;
}

/** Serves the interface and the contract to browsers on this machine. `port-in-use` when the port is taken. */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const http = createServer();
  // A frame larger than the transport's own bound is refused before it is in memory.
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 });
  await listen(http, options.port);
  const access = new Access((http.address() as AddressInfo).port);
  const downloads = new Downloads();
  http.on('request', (request, response) => {
    answer(access, options.pages, downloads, request, response);
  });
  http.on('upgrade', (request, socket, head) => {
    upgrade(access, sockets, { ...options, downloads }, request, socket, head);
  });
  return {
    url: access.entrance,
    disconnectPages() {
      for (const socket of sockets.clients) socket.close(1012, 'the engine has ended');
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function listen(http: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new EngineError('port-in-use', `port ${port} is in use by another program`, {
              fix: 'choose another with --port, or leave the option out',
            })
          : error,
      );
    });
    http.listen(port, '127.0.0.1', resolve);
  });
}

function answer(access: Access, pages: string, downloads: Downloads, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', access.origin);
  if (!access.isOwnHost(request) || !access.isOwnOrigin(request)) {
    refuse(response, 403, 'Refused: this address is not one of Selkie’s own.');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, 'Only pages are served here.');
    return;
  }
  const token = url.searchParams.get('token');
  if (token !== null) {
    const cookie = access.exchange(token);
    if (cookie === undefined) {
      refuse(response, 403, 'Refused: this link belongs to an earlier start of Selkie. Open the one that the terminal shows now.');
      return;
    }
    response.writeHead(303, { Location: '/', 'Set-Cookie': cookie, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
    response.end();
    return;
  }
  if (!access.hasSession(request)) {
    refuse(response, 403, 'Refused: open Selkie by the link with the token that the terminal shows.');
    return;
  }
  if (url.pathname.startsWith(downloadsPath)) downloads.answer(url.pathname, request, response);
  else servePage(pages, url.pathname, response);
}

function upgrade(
  access: Access,
  sockets: WebSocketServer,
  options: WebHostOptions & { readonly downloads: Downloads },
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { pathname } = new URL(request.url ?? '/', access.origin);
  const known = pathname === '/rpc' || pathname === '/desktop-rpc';
  // A WebSocket is not bound by the same-origin policy: here the Origin is required, not only checked.
  const allowed =
    access.isOwnHost(request) && request.headers.origin !== undefined && access.isOwnOrigin(request) && access.hasSession(request);
  if (!known || !allowed) {
    socket.end(`HTTP/1.1 ${known ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\n\r\n`);
    return;
  }
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    if (pathname === '/rpc') serveEngine(webSocket, options);
    else serve(desktopContract, desktopHandlers(options), webSocketChannel(webSocket), { engine: build.version, onBug: options.onBug });
  });
}

function serveEngine(webSocket: WebSocket, options: WebHostOptions): void {
  serve(engineContract, forwardHandlers(engineContract, options.client), webSocketChannel(webSocket), {
    engine: build.version,
    ready: options.client,
    onBug: options.onBug,
  });
}

function desktopHandlers({ client, downloads }: WebHostOptions & { readonly downloads: Downloads }): Handlers<typeof desktopContract> {
  return {
    desktop: {
      info: () => ({ host: 'web', platform: process.platform, version: build.version }),
      openExternal: () => {
        throw new EngineError('unsupported', 'a browser opens links by itself');
      },
      async *download({ what, fileName }, { signal }) {
        yield* downloads.offer(await client(), what, fileName, signal);
      },
    },
  };
}
