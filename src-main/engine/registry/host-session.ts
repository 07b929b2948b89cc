import { EngineError } from '../../base/errors.ts';
import type { Credentials } from './auth-file.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { toStatusError } from './status-error.ts';
import { TransientError } from './retry.ts';
import { basicAuthorization, fetchToken } from './token.ts';
import type { Transport, TransportResponse } from './transport.ts';

export interface HostSessionOptions {
  readonly transport: Transport;
  readonly registry: string;
  readonly insecure: boolean;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal | undefined;
  readonly nowMs: () => number;
}

/** A registry as a whole, not one of its repositories: is there a login, what repositories has it. */
export class HostSession {
  readonly #options: HostSessionOptions;
  #opened: { readonly base: URL; readonly challenge: Challenge | undefined } | undefined;

  constructor(options: HostSessionOptions) {
    this.#options = options;
  }

  /** GET with what the registry wants of us. The caller looks at the status. @param path absolute, with its query @param scope of a token; empty for a mere login */
  async get(path: string, scope: string): Promise<TransportResponse> {
    const { base, challenge } = await this.#open();
    const url = new URL(path, base);
    // A page's successor is named by the server: it must not lead our password elsewhere.
    if (url.origin !== base.origin)
      throw new EngineError(
        'denied',
        `registry ${this.#options.registry} sends on from ${base.host} to ${url.host}, which was not asked for`,
      );
    const authorization = challenge && (await this.#authorization(challenge, scope));
    return this.#send(url, authorization === undefined ? {} : { authorization });
  }

  /** Without authentication. */
  async getOpenly(url: URL): Promise<TransportResponse> {
    return this.#send(url, {});
  }

  async base(): Promise<URL> {
    return (await this.#open()).base;
  }

  /** What a failed answer says, as an error of ours. */
  async toError(response: TransportResponse, what: string): Promise<EngineError> {
    const { registry, credentials } = this.#options;
    const error = await toStatusError(response, { registry, what, credentials });
    return error instanceof EngineError ? error : error.failure;
  }

  async #open(): Promise<{ readonly base: URL; readonly challenge: Challenge | undefined }> {
    if (this.#opened) return this.#opened;
    const { registry, insecure, signal } = this.#options;
    const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
    let first: unknown;
    for (const scheme of insecure ? ['https', 'http'] : ['https']) {
      try {
        this.#opened = await this.#ping(new URL(`${scheme}://${host}/`));
        return this.#opened;
      } catch (error) {
        if (signal?.aborted === true || scheme === 'http') throw failureOf(error);
        first ??= error;
      }
    }
    throw failureOf(first);
  }

  async #ping(base: URL): Promise<{ readonly base: URL; readonly challenge: Challenge | undefined }> {
    const response = await this.#send(new URL('/v2/', base), {});
    if (response.status !== 200 && response.status !== 401) {
      if (response.status !== 404) throw await this.toError(response, 'the first request');
      await response.discard();
      throw new EngineError('unavailable', `${this.#options.registry} answers, but is no registry: it has no /v2/`, {
        fix: 'Check the name of the registry and its port.',
      });
    }
    await response.discard();
    return { base, challenge: response.status === 401 ? parseChallenges(response.headers['www-authenticate'])[0] : undefined };
  }

  async #authorization(challenge: Challenge, scope: string): Promise<string | undefined> {
    const { transport, registry, insecure, credentials, signal, nowMs } = this.#options;
    if (challenge.scheme === 'basic')
      return credentials && credentials.identityToken === undefined ? basicAuthorization(credentials) : undefined;
    try {
      const token = await fetchToken({ transport, challenge, scope, credentials, registry, insecure, signal, nowMs: nowMs() });
      return `Bearer ${token.value}`;
    } catch (error) {
      throw failureOf(error);
    }
  }

  async #send(url: URL, headers: Readonly<Record<string, string>>): Promise<TransportResponse> {
    const { transport, registry, insecure, signal } = this.#options;
    try {
      return await transport.send({ method: 'GET', url, headers, signal, insecure, hostName: registry });
    } catch (error) {
      throw failureOf(error);
    }
  }
}

/** A person waits for this answer: it is tried once, and what would be tried again elsewhere is told. */
function failureOf(error: unknown): unknown {
  return error instanceof TransientError ? error.failure : error;
}
