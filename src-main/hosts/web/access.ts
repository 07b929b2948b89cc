import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const cookieName = 'selkie-session';

/**
 * Who may talk to the web host. Three independent walls, since each of them alone has been climbed elsewhere:
 * - a random token in the URL, known to whoever sees the terminal, exchanged for an HttpOnly, SameSite=Strict cookie;
 * - the Host header has to be one of our own names, so that a page whose name was rebound to 127.0.0.1 is refused (DNS rebinding);
 * - the Origin header, where a browser sends one, has to be ours, so that another page in the same browser is refused.
 *
 * The printed address uses a name of its own below .localhost (RFC 6761, 6.3): cookies are not kept apart by port, so with
 * plain `localhost` every page on a published port would be sent ours.
 */
export class Access {
  readonly #token = randomBytes(32).toString('base64url');
  readonly #session = randomBytes(32).toString('base64url');
  readonly #hosts: ReadonlySet<string>;
  readonly origin: string;

  constructor(port: number) {
    this.origin = `http://selkie.localhost:${port}`;
    this.#hosts = new Set([`selkie.localhost:${port}`, `127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]);
  }

  /** What the person opens. */
  get entrance(): string {
    return `${this.origin}/?token=${this.#token}`;
  }

  isOwnHost(request: IncomingMessage): boolean {
    return this.#hosts.has(request.headers.host?.toLowerCase() ?? '');
  }

  /** A request without Origin is a navigation or no browser's; one with it has to come from our own page. */
  isOwnOrigin(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    return origin === undefined || origin === `http://${request.headers.host?.toLowerCase() ?? ''}`;
  }

  hasSession(request: IncomingMessage): boolean {
    const cookies = (request.headers.cookie ?? '').split(';').map((part) => part.trim());
    return cookies.some((cookie) => cookie.startsWith(`${cookieName}=`) && equal(cookie.slice(cookieName.length + 1), this.#session));
  }

  /** The cookie for the right token; undefined for any other. */
  exchange(token: string): string | undefined {
    return equal(token, this.#token) ? `${cookieName}=${this.#session}; Path=/; HttpOnly; SameSite=Strict` : undefined;
  }
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
