import { Readable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import type { PullSource } from '../reference/reference.ts';
import type { Credentials } from './auth-file.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { TransientError } from './retry.ts';
import { toStatusError } from './status-error.ts';
import { type Token, basicAuthorization, fetchToken } from './token.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface SessionOptions {
  readonly transport: Transport;
  readonly source: PullSource;
  readonly credentials: Credentials | undefined;
  readonly authFiles: readonly string[];
  readonly nowMs: () => number;
  /** What tokens have to be good for; default: pulling. */
  readonly scope?: string | undefined;
}

export interface SessionRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  /** After /v2/<repository>/, or where the registry said that an upload goes on. */
  readonly path: string | URL;
  /** A stream is sent once: after a refusal that a new token may cure the error is transient. */
  readonly body?: Uint8Array | Readable;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
  /** For messages. */
  readonly what: string;
}

export interface SessionResponse {
  readonly response: TransportResponse;
  /** For errors while its body is read. */
  readonly request: TransportRequest;
}

const mostRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** One repository at one registry: finds scheme and kind of authentication by the first request, then keeps them. */
export class Session {
  readonly #options: SessionOptions;
  readonly #tokens = new Map<string, Token>();
  #base: URL | undefined;
  #challenge: Challenge | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Answers 2xx, 304 and 416 alone; the rest is thrown, what may pass by itself as a TransientError. */
  async request(request: SessionRequest): Promise<SessionResponse> {
    const base = await this.#ping(request.signal);
    const { repository } = this.#options.source;
    const url = typeof request.path === 'string' ? new URL(`/v2/${repository}/${request.path}`, base) : request.path;
    let answer = await this.#follow(url, base, request);
    if (answer.response.status === 401 && this.#answersTo(answer.response)) {
      if (request.body instanceof Readable) throw await this.#wantsAnotherToken(answer.response, request);
      await answer.response.discard();
      answer = await this.#follow(url, base, request);
    }
    const { status } = answer.response;
    if ((status >= 200 && status < 300) || status === 416) return answer;
    throw await toStatusError(answer.response, this.#object(request.what));
  }

  async #wantsAnotherToken(response: TransportResponse, { what }: SessionRequest): Promise<TransientError> {
    const error = await toStatusError(response, this.#object(what));
    return error instanceof TransientError ? error : new TransientError(error);
  }

  #object(what: string): Parameters<typeof toStatusError>[1] {
    const { source, credentials, authFiles } = this.#options;
    return { registry: source.registry, what, credentials, authFiles };
  }

  /** Whether a 401 gives a reason to try once more: another challenge than the one in use, or a token that may be stale. */
  #answersTo(response: TransportResponse): boolean {
    const [challenge] = parseChallenges(response.headers['www-authenticate']);
    if (!challenge) return false;
    const hadToken = this.#tokens.size > 0;
    const isNew =
      this.#challenge?.scheme !== challenge.scheme ||
      this.#challenge.realm !== challenge.realm ||
      this.#challenge.scope !== challenge.scope;
    this.#challenge = challenge;
    this.#tokens.clear();
    return isNew || (challenge.scheme === 'bearer' && hadToken);
  }

  async #ping(signal: AbortSignal | undefined): Promise<URL> {
    if (this.#base) return this.#base;
    const { source } = this.#options;
    const host = source.registry === 'docker.io' ? 'registry-1.docker.io' : source.registry;
    const schemes = source.insecure ? ['https', 'http'] : ['https'];
    let first: unknown;
    for (const scheme of schemes) {
      try {
        this.#base = await this.#pingAt(new URL(`${scheme}://${host}/`), signal);
        return this.#base;
      } catch (error) {
        if (signal?.aborted === true) throw error;
        first ??= error;
        // The second failure says more: an insecure registry is mostly a plain one.
        if (scheme === 'http') throw error;
      }
    }
    throw first;
  }

  async #pingAt(base: URL, signal: AbortSignal | undefined): Promise<URL> {
    const { transport, source } = this.#options;
    const response = await transport.send({
      method: 'GET',
      url: new URL('/v2/', base),
      headers: {},
      signal,
      insecure: source.insecure,
      hostName: source.registry,
    });
    if (response.status === 401) {
      [this.#challenge] = parseChallenges(response.headers['www-authenticate']);
      await response.discard();
      return base;
    }
    if (response.status === 404) {
      await response.discard();
      throw new EngineError('unavailable', `${source.registry} answers, but is no registry: it has no /v2/`, {
        fix: 'Check the name of the registry and its port.',
      });
    }
    if (response.status !== 200) throw await toStatusError(response, this.#object('the first request'));
    await response.discard();
    return base;
  }

  async #authorization(signal: AbortSignal | undefined): Promise<string | undefined> {
    const { transport, source, credentials, nowMs } = this.#options;
    const challenge = this.#challenge;
    if (!challenge) return undefined;
    if (challenge.scheme === 'basic')
      return credentials && credentials.identityToken === undefined ? basicAuthorization(credentials) : undefined;
    const scope = this.#options.scope ?? `repository:${source.repository}:pull`;
    let token = this.#tokens.get(scope);
    if (!token || token.expiresAtMs < nowMs()) {
      token = await fetchToken({
        transport,
        challenge,
        scope,
        credentials,
        registry: source.registry,
        insecure: source.insecure,
        signal,
        nowMs: nowMs(),
      });
      this.#tokens.set(scope, token);
    }
    return `Bearer ${token.value}`;
  }

  async #follow(start: URL, base: URL, request: SessionRequest): Promise<SessionResponse> {
    const { transport, source } = this.#options;
    const authorization = await this.#authorization(request.signal);
    let url = start;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const own = url.origin === base.origin;
      const headers = { ...request.headers, ...(own && authorization !== undefined ? { authorization } : {}) };
      const sent: TransportRequest = {
        method: request.method,
        url,
        headers,
        signal: request.signal,
        insecure: source.insecure,
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(own ? { hostName: source.registry } : {}),
      };
      const response = await transport.send(sent);
      const location = response.headers['location'];
      // What was streamed is gone, and cannot be sent elsewhere once more.
      if (!redirects.has(response.status) || location === undefined || request.body instanceof Readable) return { response, request: sent };
      await response.discard();
      url = this.#redirectTarget(location, url);
    }
    throw new EngineError('unavailable', `registry ${source.registry} redirects ${request.what} more than ${mostRedirects} times`);
  }

  #redirectTarget(location: string, from: URL): URL {
    const { source } = this.#options;
    if (!URL.canParse(location, from))
      throw new EngineError('unavailable', `registry ${source.registry} redirects to something that is no URL`);
    const url = new URL(location, from);
    const downgrade = from.protocol === 'https:' && url.protocol === 'http:' && !source.insecure;
    if (downgrade || !/^https?:$/.test(url.protocol))
      throw new EngineError('denied', `registry ${source.registry} redirects from HTTPS to ${url.protocol}//${url.host}`, {
        fix: 'If that is meant, set insecure = true for it in registries.conf.',
      });
    return url;
  }
}
