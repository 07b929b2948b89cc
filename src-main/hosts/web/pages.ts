import { createReadStream, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** No remote content, no eval, no frames; styles in attributes are what the terminal and the virtual lists place their rows by. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const safeHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Serves a file of the built interface; a path outside of it, or none, is a 404. */
export function servePage(directory: string, path: string, response: ServerResponse): void {
  const file = join(directory, normalize(path === '/' ? '/index.html' : path));
  const type = contentTypes[extname(file)];
  const size = file.startsWith(`${directory}/`) && type !== undefined ? sizeOf(file) : undefined;
  if (size === undefined || type === undefined) {
    refuse(response, 404, 'There is no such page.');
    return;
  }
  response.writeHead(200, {
    ...safeHeaders,
    'Content-Type': type,
    'Content-Length': size,
    // The build puts a hash of the content into the names of assets.
    'Cache-Control': path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-store',
  });
  createReadStream(file).pipe(response);
}

export function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, {
    ...safeHeaders,
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(`${words}\n`);
}

function sizeOf(file: string): number | undefined {
  const status = statSync(file, { throwIfNoEntry: false });
  return status?.isFile() === true ? status.size : undefined;
}
