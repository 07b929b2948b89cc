import type { Readable } from 'node:stream';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { buildConnector, Dispatcher } from 'undici';
import type * as httpClient from './http-client.ts';
import type { Limits } from './limits.ts';
import { proxyRefusal, toNetworkError } from './network-error.ts';
import { proxyFor } from './proxy.ts';
import { TransientError } from './retry.ts';
import { type CertificateFolders, hasClientCertificate, secureContextFor } from './tls.ts';

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  readonly signal: AbortSignal | undefined;
  /** No verification of certificates. */
  readonly insecure: boolean;
  /** Name in messages and in certs.d; the URL's host when empty. */
  readonly hostName?: string;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** Reads and forgets a short rest, so that the connection can be used again. */
  discard(): Promise<void>;
  /** `limit-exceeded` when it is longer. */
  read(largestBytes: number, what: string): Promise<Buffer>;
}

type HttpClient = typeof httpClient;

/** Answers as HTTP gave them: no redirects, no authentication. One pool of connections per host. */
export class Transport implements AsyncDisposable {
  readonly #limits: Limits;
  readonly #folders: CertificateFolders;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #contacted = new Set<string>();
  /** What TLS said when it broke a connection off: undici tells of the end that follows instead. */
  readonly #alerts = new Map<string, Error>();
  #httpClient: Promise<HttpClient> | undefined;

  constructor(limits: Limits, folders: CertificateFolders) {
    this.#limits = limits;
    this.#folders = folders;
  }

  /** Errors: {@link TransientError}, `unavailable`, `timeout`, `cancelled`, `corrupt` (certificates that are none). */
  async send(request: TransportRequest): Promise<TransportResponse> {
    throwIfAborted(request.signal);
    // Only who talks to a registry pays for loading it.
    this.#httpClient ??= import('./http-client.ts');
    const client = await this.#httpClient;
    const host = request.hostName ?? request.url.host;
    try {
      const answer = await this.#dispatcher(client, request, host).request({
        origin: request.url.origin,
        path: `${request.url.pathname}${request.url.search}`,
        method: request.method,
        headers: { 'user-agent': 'selkie', ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
        headersTimeout: this.#limits.headersMs,
        bodyTimeout: this.#limits.idleMs,
      });
      if (answer.statusCode === 407) {
        await answer.body.dump();
        throw proxyRefusal(407, host, this.#proxyOf(request)?.host ?? 'in between');
      }
      this.#contacted.add(request.url.host);
      this.#alerts.delete(request.url.host);
      return this.#toResponse(answer, request, host);
    } catch (error) {
      throw this.#toError(error, request, host);
    }
  }

  /** An error while a body is read. */
  toBodyError(error: unknown, request: TransportRequest): unknown {
    return this.#toError(error, request, request.hostName ?? request.url.host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    this.#dispatchers.clear();
  }

  #toError(error: unknown, request: TransportRequest, host: string): unknown {
    if (request.signal?.aborted === true) return new EngineError('cancelled', 'cancelled', { cause: error });
    if (error instanceof TransientError || error instanceof EngineError) return error;
    const { error: failure, retry } = toNetworkError(this.#alerts.get(request.url.host) ?? error, host, {
      proxy: this.#proxyOf(request)?.host,
      clientCertificate: request.url.protocol === 'https:' && hasClientCertificate(this.#folders, host),
    });
    const again = retry === 'always' || (retry === 'contacted' && this.#contacted.has(request.url.host));
    return again && failure instanceof EngineError ? new TransientError(failure) : failure;
  }

  #proxyOf({ url }: TransportRequest): URL | undefined {
    return proxyFor(url, this.#folders.environment);
  }

  #dispatcher(client: HttpClient, request: TransportRequest, host: string): Dispatcher {
    const { url, insecure } = request;
    const key = `${url.protocol}//${url.host} ${String(insecure)}`;
    const known = this.#dispatchers.get(key);
    if (known) return known;
    const proxy = this.#proxyOf(request);
    const tls =
      url.protocol === 'https:'
        ? {
            secureContext: secureContextFor(this.#folders, host, !insecure),
            rejectUnauthorized: !insecure,
            timeout: this.#limits.connectMs,
          }
        : { timeout: this.#limits.connectMs };
    const dispatcher = proxy
      ? new client.ProxyAgent({ uri: proxy.href, requestTls: tls, proxyTunnel: url.protocol === 'https:' })
      : new client.Agent({ connect: this.#connector(client, url.host, tls), connections: 8, pipelining: 1 });
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  #connector(client: HttpClient, host: string, tls: buildConnector.BuildOptions): buildConnector.connector {
    const connect = client.buildConnector(tls);
    return (options, done) => {
      connect(options, (...[error, socket]: buildConnector.CallbackArgs) => {
        if (!socket) {
          done(error, null);
          return;
        }
        socket.on('error', (reason: Error & { readonly code?: string }) => {
          if (reason.code?.startsWith('ERR_SSL_') === true) this.#alerts.set(host, reason);
        });
        done(null, socket);
      });
    };
  }

  #toResponse(answer: Dispatcher.ResponseData, request: TransportRequest, host: string): TransportResponse {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    const { body } = answer;
    return {
      status: answer.statusCode,
      headers,
      body,
      discard: () => body.dump({ limit: 16 * 1024 }).catch(() => undefined),
      read: async (largestBytes, what) => {
        const chunks: Buffer[] = [];
        let size = 0;
        try {
          for await (const chunk of body as AsyncIterable<Buffer>) {
            size += chunk.length;
            if (size > largestBytes) throw new EngineError('limit-exceeded', `${what} of ${host} is larger than ${largestBytes} bytes`);
            chunks.push(chunk);
          }
        } catch (error) {
          throw this.#toError(error, request, host);
        }
        return Buffer.concat(chunks, size);
      },
    };
  }
}
