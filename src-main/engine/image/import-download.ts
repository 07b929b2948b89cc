/** A tar of files from the web. */
import { Readable } from 'node:stream';
import { EngineError, isCancelled, messageOf } from '../../base/errors.ts';
import type { ImageContext } from './context.ts';

/** As long as a browser would wait for the first bytes, and between two of them. */
const patienceMs = 30_000;
const mostRedirects = 10;

/** Errors: `invalid-argument`, `not-found`, `denied`, `unavailable`, `cancelled`. The proxy variables of the environment are honoured. */
export async function openDownload(context: ImageContext, text: string, signal: AbortSignal | undefined): Promise<Readable> {
  // 15 ms to load: only who fetches pays for it.
  const { EnvHttpProxyAgent, request } = await import('undici');
  const environment = context.environment();
  const variable = (name: string): string | undefined => environment[name.toUpperCase()] ?? environment[name];
  const proxies = { httpProxy: variable('http_proxy'), httpsProxy: variable('https_proxy'), noProxy: variable('no_proxy') };
  const given = Object.fromEntries(Object.entries(proxies).filter(([, value]) => value !== undefined));
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: patienceMs }, ...given });
  let url = toUrl(text, undefined);
  try {
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const answer = await request(url, {
        dispatcher,
        headers: { 'user-agent': 'selkie', accept: '*/*' },
        headersTimeout: patienceMs,
        bodyTimeout: patienceMs,
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.statusCode === 200) return bodyOf(answer, text, () => dispatcher.destroy());
      await answer.body.dump({ limit: 64 * 1024 });
      const { location } = answer.headers;
      if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== 'string') throw statusError(text, answer.statusCode);
      url = toUrl(location, url);
    }
    throw new EngineError('unavailable', `downloading ${text}: more than ${String(mostRedirects)} redirects`);
  } catch (error) {
    await dispatcher.destroy();
    throw toDownloadError(error, text);
  }
}

function toUrl(text: string, base: URL | undefined): URL {
  if (!URL.canParse(text, base)) throw new EngineError('invalid-argument', `${JSON.stringify(text.slice(0, 200))} is not an address`);
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new EngineError('invalid-argument', `${url.protocol} addresses cannot be downloaded`, { fix: 'give an http or https address' });
  if (base?.protocol === 'https:' && url.protocol === 'http:')
    throw new EngineError('denied', `${base.host} sends from an encrypted to an unencrypted address`);
  return url;
}

type Answer = { readonly headers: Record<string, string | string[] | undefined>; readonly body: Readable };

/** What was announced has to come. */
function bodyOf({ headers, body }: Answer, text: string, end: () => Promise<void>): Readable {
  const announced = typeof headers['content-length'] === 'string' ? Number(headers['content-length']) : undefined;
  async function* chunks(): AsyncGenerator<Buffer> {
    let received = 0;
    try {
      for await (const chunk of body) {
        received += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
      if (announced !== undefined && received !== announced)
        throw new EngineError('unavailable', `downloading ${text}: it broke off after ${String(received)} of ${String(announced)} bytes`);
    } catch (error) {
      throw toDownloadError(error, text);
    } finally {
      body.destroy();
      await end();
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}

function statusError(text: string, status: number): EngineError {
  const code = status === 404 || status === 410 ? 'not-found' : status === 401 || status === 403 ? 'denied' : 'unavailable';
  return new EngineError(code, `downloading ${text}: the server answered ${String(status)}`);
}

function toDownloadError(error: unknown, text: string): unknown {
  if (error instanceof EngineError) return error;
  if (isCancelled(error)) return new EngineError('cancelled', 'cancelled', { cause: error });
  return new EngineError('unavailable', `downloading ${text}: ${messageOf(error)}`, {
    cause: error,
    fix: 'see that the address is right and can be reached',
  });
}
