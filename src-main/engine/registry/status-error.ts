/** HTTP answers that are failures, in words. */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import type { Credentials } from './auth-file.ts';
import { largestErrorBytes } from './limits.ts';
import { TransientError, parseRetryAfter } from './retry.ts';
import type { TransportResponse } from './transport.ts';

export interface RequestedObject {
  readonly registry: string;
  /** What was asked for: `manifest latest of reg/repo`. */
  readonly what: string;
  readonly credentials: Credentials | undefined;
  /** For `unauthorized`: files that were looked into. */
  readonly authFiles?: readonly string[];
}

const errorBody = v.object({ errors: v.array(v.object({ code: v.optional(v.string(), ''), message: v.optional(v.string(), '') })) });

/** A server's text for one line of ours: no control characters, not long. */
function clean(text: string): string {
  return text
    .replace(/[^\x20-\x7e\u00a0-\u{10ffff}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

async function readError(response: TransportResponse): Promise<{ readonly code: string; readonly message: string }> {
  const none = { code: '', message: '' };
  try {
    const text = (await response.read(largestErrorBytes, 'the error')).toString('utf8');
    const parsed = v.safeParse(errorBody, JSON.parse(text));
    const first = parsed.success ? parsed.output.errors[0] : undefined;
    return first ? { code: clean(first.code), message: clean(first.message) } : none;
  } catch {
    // Not JSON, too long, or cut: the status alone has to do.
    return none;
  }
}

function unauthorized(object: RequestedObject, said: string): EngineError {
  const { registry, credentials, what, authFiles } = object;
  const file = authFiles?.[0] ?? 'auth.json';
  if (!credentials)
    return new EngineError('unauthorized', `registry ${registry} wants a login for ${what}, or it does not exist${said}`, {
      fix: `Check the name; else give --creds USER:PASSWORD, or log in so that ${file} has an entry for ${registry}.`,
      details: { host: registry, authFiles: authFiles ?? [] },
    });
  const user = credentials.username === '' ? 'the token' : `user ${JSON.stringify(clean(credentials.username))}`;
  return new EngineError('unauthorized', `registry ${registry} refused ${user} from ${credentials.source} for ${what}${said}`, {
    fix: `Check user and password${credentials.source === '--creds' ? '' : ` in ${credentials.source}`}.`,
    details: { host: registry, authFiles: authFiles ?? [] },
  });
}

/** Reads what the server said. Answers an EngineError, or a {@link TransientError} around one. */
export async function toStatusError(response: TransportResponse, object: RequestedObject): Promise<EngineError | TransientError> {
  const { status } = response;
  const { registry, what } = object;
  const { code, message } = await readError(response);
  const said = message === '' ? '' : ` (it said: ${message})`;
  const details = { host: registry, status };
  if (status === 401) return unauthorized(object, said);
  if (status === 403) return new EngineError('denied', `registry ${registry} forbids ${what}${said}`, { details });
  if (status === 404 || status === 410) {
    const why = code === 'NAME_UNKNOWN' ? 'it has no such repository' : 'it is not there';
    return new EngineError('not-found', `registry ${registry} does not have ${what}: ${why}${said}`, {
      fix: 'Check the name and the tag.',
      details,
    });
  }
  if (status === 429) {
    const retryAfterMs = parseRetryAfter(response.headers['retry-after'], Date.now());
    const when = retryAfterMs === undefined ? '' : `; it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`;
    return new TransientError(
      new EngineError('limit-exceeded', `registry ${registry} limits the rate of requests${when}${said}`, {
        fix: 'Wait, or log in for a higher limit.',
        details,
      }),
      retryAfterMs,
    );
  }
  const failure = new EngineError('unavailable', `registry ${registry} answered ${what} with HTTP status ${status}${said}`, { details });
  if (status < 500 || status === 501) return failure;
  return new TransientError(failure, parseRetryAfter(response.headers['retry-after'], Date.now()));
}
