/** The token service that a registry names (distribution's token and oauth2 specifications). */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import type { Credentials } from './auth-file.ts';
import type { Challenge } from './challenge.ts';
import { largestTokenBytes } from './limits.ts';
import { toStatusError } from './status-error.ts';
import type { Transport, TransportRequest } from './transport.ts';

export interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

export interface TokenRequest {
  readonly transport: Transport;
  readonly challenge: Challenge;
  /** Of one or more repositories, with blanks between them. */
  readonly scope: string;
  readonly credentials: Credentials | undefined;
  readonly registry: string;
  readonly insecure: boolean;
  readonly signal: AbortSignal | undefined;
  readonly nowMs: number;
}

const answer = v.object({
  token: v.nullish(v.string(), ''),
  access_token: v.nullish(v.string(), ''),
  expires_in: v.nullish(v.number(), 0),
});

/** Specification: without expires_in a token lives 60 seconds. */
const defaultLifeSeconds = 60;

function realmOf(request: TokenRequest): URL {
  const { challenge, registry, insecure } = request;
  if (!URL.canParse(challenge.realm))
    throw new EngineError('unavailable', `registry ${registry} names no usable token service`, { details: { host: registry } });
  const url = new URL(challenge.realm);
  // Who can put http:// here could read the password on its way.
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:'))
    throw new EngineError('denied', `registry ${registry} wants credentials sent over ${url.protocol}// to ${url.host}`, {
      fix: 'If that is meant, set insecure = true for it in registries.conf, or use --tls-verify=false.',
    });
  return url;
}

function toRequest(request: TokenRequest): TransportRequest {
  const url = realmOf(request);
  const { challenge, credentials, scope, insecure, signal } = request;
  const common = { insecure, signal };
  if (credentials?.identityToken !== undefined) {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'selkie', refresh_token: credentials.identityToken, scope });
    if (challenge.service !== '') body.set('service', challenge.service);
    return { ...common, method: 'POST', url, body: body.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  }
  if (challenge.service !== '') url.searchParams.set('service', challenge.service);
  for (const one of scope.split(' ')) if (one !== '') url.searchParams.append('scope', one);
  if (credentials) url.searchParams.set('account', credentials.username);
  const headers: Record<string, string> = credentials ? { authorization: basicAuthorization(credentials) } : {};
  return { ...common, method: 'GET', url, headers };
}

export function basicAuthorization(credentials: Credentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}

/** Errors: `unauthorized`, `unavailable`, `denied` when it would be sent in the clear. */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const response = await request.transport.send(toRequest(request));
  if (response.status !== 200)
    throw await toStatusError(response, {
      registry: request.registry,
      what: `a token for ${request.scope}`,
      credentials: request.credentials,
    });
  const bytes = await response.read(largestTokenBytes, 'the token');
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new EngineError('unavailable', `the token service of ${request.registry} did not answer with JSON`, { cause: error });
  }
  const parsed = v.safeParse(answer, document);
  const value = parsed.success ? parsed.output.token || parsed.output.access_token : '';
  if (!parsed.success || value === '' || /[^\x21-\x7e]/.test(value))
    throw new EngineError('unavailable', `the token service of ${request.registry} answered without a token`);
  const life = Math.max(defaultLifeSeconds, parsed.output.expires_in);
  return { value, expiresAtMs: request.nowMs + life * 900 };
}
