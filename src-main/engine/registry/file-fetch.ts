/** A file on a web server: signatures lie on such. */
import { EngineError } from '../../base/errors.ts';
import { TransientError } from './retry.ts';
import type { Transport } from './transport.ts';

const mostRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Undefined for 404. Errors: `unavailable`, `denied` (a redirect from HTTPS to HTTP), `limit-exceeded`; what may pass as a TransientError. */
export async function fetchFile(
  transport: Transport,
  start: URL,
  largestBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  let url = start;
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const response = await transport.send({ method: 'GET', url, headers: {}, signal, insecure: false });
    const { status } = response;
    if (status === 200) return response.read(largestBytes, start.href);
    await response.discard();
    if (status === 404) return undefined;
    const location = response.headers['location'];
    if (!redirects.has(status) || location === undefined || !URL.canParse(location, url)) {
      const error = new EngineError('unavailable', `${start.href} answers with status ${String(status)}`);
      throw status >= 500 || status === 429 ? new TransientError(error) : error;
    }
    const next = new URL(location, url);
    if (!/^https?:$/.test(next.protocol) || (url.protocol === 'https:' && next.protocol === 'http:'))
      throw new EngineError('denied', `${start.href} redirects to ${next.protocol}//${next.host}`);
    url = next;
  }
  throw new EngineError('unavailable', `${start.href} redirects more than ${String(mostRedirects)} times`);
}
