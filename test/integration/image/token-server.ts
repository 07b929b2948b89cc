/** The token service that a registry sends its clients to (distribution's "Token Authentication Specification"): signs JWTs by a real key. */
import { X509Certificate, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serveHttp, type TestServer } from './test-registry.ts';

interface Grant {
  /** `<type>:<name>:<actions>` as it was asked for. */
  readonly scopes: readonly string[];
  readonly user: string | undefined;
  readonly granted: readonly string[];
}

/** What a registry forgives of a clock that is wrong (distribution, registry/auth/token, Leeway). */
export const leewaySeconds = 60;

interface TokenServerOptions {
  /** A certificate by the authority that the registry trusts, and its key. */
  readonly cert: string;
  readonly key: string;
  readonly service: string;
  readonly issuer: string;
  /** Password and the actions that a user may do anywhere; '' is who gives no name. */
  readonly users: Readonly<Record<string, { readonly password: string; readonly actions: readonly string[] }>>;
  /** From now on, of the token that is given next. Default: five minutes. */
  readonly lifeSeconds?: (number: number) => number;
}

export class TokenServer implements AsyncDisposable {
  readonly grants: Grant[] = [];
  readonly realm: string;
  readonly #server: TestServer;

  private constructor(server: TestServer, realm: string) {
    this.#server = server;
    this.realm = realm;
  }

  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const server = await serveHttp((asked, answer) => tokens.answer(asked, answer, options));
    const tokens = new TokenServer(server, `http://${server.host}/token`);
    return tokens;
  }

  answer(asked: IncomingMessage, answer: ServerResponse, options: TokenServerOptions): void {
    const url = new URL(asked.url ?? '/', this.realm);
    const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    const [user = '', password = ''] = Buffer.from((asked.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':');
    const known = options.users[user];
    if (!known || known.password !== password || url.searchParams.get('service') !== options.service) {
      answer.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}');
      return;
    }
    const access = scopes.map((scope) => {
      const [, type = '', name = '', actions = ''] = /^([a-z]+):(.*):([a-z,*]*)$/.exec(scope) ?? [];
      return { type, name, actions: actions.split(',').filter((action) => known.actions.includes(action)) };
    });
    const granted = access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
    this.grants.push({ scopes, user: user === '' ? undefined : user, granted });
    const life = options.lifeSeconds?.(this.grants.length) ?? 300;
    answer.end(JSON.stringify({ token: makeToken(options, user, access, life), expires_in: 300 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function makeToken(
  { cert, key, service, issuer }: TokenServerOptions,
  user: string,
  access: readonly object[],
  lifeSeconds: number,
): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const head = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(readFileSync(cert)).raw.toString('base64')] };
  const times = { nbf: now - 300, iat: now - 300, exp: now + lifeSeconds };
  const text = `${part(head)}.${part({ iss: issuer, sub: user, aud: service, jti: randomUUID(), ...times, access })}`;
  // RFC 7518, 3.4: the two numbers one after the other.
  const signature = sign('sha256', Buffer.from(text), { key: createPrivateKey(readFileSync(key)), dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}
