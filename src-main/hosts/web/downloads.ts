/**
 * Files that a browser fetches. A page asks for one over its own connection, and is given a ticket: a path that nobody can guess, good for one GET and
 * for a minute. The GET is answered as every other one (own name, own origin, session cookie), and only as long as the page's request lives.
 * Nothing is kept in here but what is on its way.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EngineError } from '../../base/errors.ts';
import type { Downloadable } from '../../contract/desktop.ts';
import type { EngineClient } from '../../contract/engine.ts';
import type { TransferProgress } from '../../contract/image.ts';
import { refuse, safeHeaders } from './pages.ts';

export const downloadsPath = '/download/';

/** From the page's click to the browser's GET. */
const ticketLifeMs = 60_000;
const toldBytes = 1024 * 1024;

type Piece = { readonly bytes: Uint8Array; readonly totalBytes: number };
type Item = { readonly kind: 'progress'; readonly progress: TransferProgress } | ({ readonly kind: 'bytes' } & Piece);

export type DownloadItem =
  | { readonly kind: 'progress'; readonly progress: TransferProgress }
  | { readonly kind: 'ready'; readonly path: string }
  | { readonly kind: 'sent'; readonly bytes: number; readonly totalBytes: number };

interface Ticket {
  readonly fileName: string;
  /** 0: not known. */
  readonly totalBytes: number;
  readonly take: (response: ServerResponse) => void;
}

export class Downloads {
  readonly #tickets = new Map<string, Ticket>();

  /** See the route `desktop.download`. */
  async *offer(engine: EngineClient, what: Downloadable, fileName: string, signal: AbortSignal): AsyncGenerator<DownloadItem> {
    const items = open(engine, what, signal)[Symbol.asyncIterator]();
    let response: ServerResponse | undefined;
    try {
      let next = await items.next();
      for (; next.done !== true && next.value.kind === 'progress'; next = await items.next()) yield next.value;
      // Nothing was promised yet: what failed by now has never been a download.
      const totalBytes = next.done === true ? 0 : (next.value as Piece).totalBytes;
      const ticket = randomBytes(32).toString('base64url');
      const taken = Promise.withResolvers<ServerResponse>();
      this.#tickets.set(ticket, { fileName, totalBytes, take: taken.resolve });
      try {
        yield { kind: 'ready', path: `${downloadsPath}${ticket}` };
        response = await within(taken.promise, signal);
      } finally {
        this.#tickets.delete(ticket);
      }
      let sent = 0;
      let told = 0;
      for (; next.done !== true; next = await items.next()) {
        if (next.value.kind === 'progress') continue;
        await write(response, next.value.bytes, signal);
        sent += next.value.bytes.length;
        if (sent - told < toldBytes) continue;
        told = sent;
        yield { kind: 'sent', bytes: sent, totalBytes };
      }
      await finish(response);
      yield { kind: 'sent', bytes: sent, totalBytes: sent };
    } finally {
      // Half a file must not look like a whole one: the browser is told by a connection that breaks.
      if (response?.writableFinished === false) response.destroy();
      await items.return(undefined);
    }
  }

  /** Answers a GET that everything else about has been checked of. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    const key = path.slice(downloadsPath.length);
    const ticket = this.#tickets.get(key);
    const site = request.headers['sec-fetch-site'];
    if (request.method !== 'GET' || ticket === undefined || (site !== undefined && site !== 'same-origin')) {
      refuse(response, 404, 'There is no such download, or it was fetched already. Begin it again in Selkie.');
      return;
    }
    this.#tickets.delete(key);
    response.writeHead(200, {
      ...safeHeaders,
      'Content-Type': 'application/x-tar',
      'Content-Disposition': `attachment; filename*=UTF-8\'\'${encodeURIComponent(ticket.fileName).replaceAll("'", '%27')}`,
      ...(ticket.totalBytes > 0 ? { 'Content-Length': ticket.totalBytes } : {}),
      'Cache-Control': 'no-store',
      'Accept-Ranges': 'none',
    });
    response.on('error', () => undefined);
    ticket.take(response);
  }
}

async function* open(engine: EngineClient, what: Downloadable, signal: AbortSignal): AsyncGenerator<Item> {
  if (what.kind === 'images') {
    const { images, names, format } = what;
    yield* engine.image.saveBytes({ images, names, format }, { signal });
    return;
  }
  for await (const bytes of engine.container.export({ container: what.container }, { signal }))
    yield { kind: 'bytes', bytes, totalBytes: 0 };
}

async function within(taken: Promise<ServerResponse>, signal: AbortSignal): Promise<ServerResponse> {
  const late = Promise.withResolvers<never>();
  const abort = (): void => {
    late.reject(new EngineError('cancelled', 'cancelled'));
  };
  const timer = setTimeout(() => {
    late.reject(
      new EngineError('timeout', 'the browser did not fetch the file within a minute', {
        fix: 'Allow downloads for this page, and try again.',
      }),
    );
  }, ticketLifeMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([taken, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** As fast as the browser takes it. */
async function write(response: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (isGone(response)) throw brokenOff();
  if (response.write(bytes)) return;
  const ended = new AbortController();
  try {
    const { signal: over } = ended;
    await Promise.race([
      once(response, 'drain', { signal: over }),
      once(response, 'close', { signal: over }),
      once(signal, 'abort', { signal: over }),
    ]);
  } finally {
    ended.abort();
  }
  if (signal.aborted) throw new EngineError('cancelled', 'cancelled');
  if (isGone(response)) throw brokenOff();
}

async function finish(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(resolve);
  });
  if (!response.writableFinished) throw brokenOff();
}

/** It changes while one waits. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed;
}

function brokenOff(): EngineError {
  return new EngineError('cancelled', 'the browser has broken the download off');
}
