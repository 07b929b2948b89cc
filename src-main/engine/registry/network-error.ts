/** What undici and Node throw, as errors that name the host and say what to do. */
import { EngineError, type ErrorCode } from '../../base/errors.ts';

/** How a failed request may be tried again: `contacted` means only when the host answered before. */
export type Retry = 'always' | 'contacted' | 'never';

interface Words {
  readonly code: ErrorCode;
  readonly why: string;
  readonly retry: Retry;
  readonly fix?: string;
}

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

const expired = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** How a request went. */
export interface Way {
  /** What fails to connect is then this. */
  readonly proxy?: string | undefined;
  readonly clientCertificate?: boolean;
}

/** Servers do not agree on which alert means that a client has none; OpenSSL's names of them differ in front. */
const certificateAlert = /_ALERT_(CERTIFICATE_\w+|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;

function tlsWords(code: string, host: string, way: Way): Words | undefined {
  if (untrusted.has(code))
    return {
      code: 'unavailable',
      why: 'its certificate is signed by an authority that this host does not trust',
      retry: 'never',
      fix: `Put the authority's certificate into /etc/containers/certs.d/${host}/ca.crt (or ~/.config/containers/certs.d/${host}/ca.crt), or give --cert-dir; for a test registry, --tls-verify=false.`,
    };
  if (expired.has(code))
    return {
      code: 'unavailable',
      why: 'its certificate is not valid at this time',
      retry: 'never',
      fix: "Check this host's clock and the registry's certificate.",
    };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      code: 'unavailable',
      why: 'its certificate is for another name',
      retry: 'never',
      fix: 'Use the name that the certificate is for.',
    };
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || code === 'ERR_SSL_HTTP_REQUEST')
    return {
      code: 'unavailable',
      why: 'it answers with plain HTTP where HTTPS is expected',
      retry: 'never',
      fix: `If you trust the network to it, set insecure = true for a [[registry]] with location = "${host}" in registries.conf, or use --tls-verify=false.`,
    };
  if (certificateAlert.test(code))
    return {
      code: 'unauthorized',
      why: way.clientCertificate === true ? 'it refuses our client certificate' : 'it wants a client certificate',
      retry: 'never',
      fix: `Put the certificate that its owner gave you into /etc/containers/certs.d/${host}/ (or ~/.config/containers/certs.d/${host}/) as client.cert and client.key, or give --cert-dir.`,
    };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO')
    return { code: 'unavailable', why: `no TLS connection is possible (${code})`, retry: 'never' };
  return undefined;
}

/** Both are needed: one for https, the other for plain http. */
const checkProxy = 'Check HTTPS_PROXY and HTTP_PROXY in the environment; hosts that need no proxy belong into NO_PROXY.';

/** The proxy answered our request for a tunnel, or in place of the registry, with a refusal. */
export function proxyRefusal(status: number, host: string, proxy: string): EngineError {
  const details = { host, proxy, status };
  if (status === 407)
    return new EngineError('unauthorized', `cannot reach registry ${host}: the proxy ${proxy} wants a login, or another one`, {
      fix: 'Write it into HTTPS_PROXY and HTTP_PROXY: http://USER:PASSWORD@HOST:PORT.',
      details,
    });
  return new EngineError('unavailable', `cannot reach registry ${host}: the proxy ${proxy} answered with HTTP status ${status}`, {
    fix: checkProxy,
    details,
  });
}

function connectionWords(code: string): Words {
  const checkNetwork = 'Check the name of the registry, the network and the proxy settings.';
  switch (code) {
    case 'ECONNREFUSED':
      return { code: 'unavailable', why: 'connection refused', retry: 'contacted', fix: 'Check that the registry runs, and its port.' };
    case 'ENOTFOUND':
      return { code: 'unavailable', why: 'there is no host of this name', retry: 'contacted', fix: checkNetwork };
    case 'EAI_AGAIN':
      return { code: 'unavailable', why: 'its name cannot be looked up at the moment', retry: 'contacted', fix: checkNetwork };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { code: 'unavailable', why: 'no route to it', retry: 'contacted', fix: checkNetwork };
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return { code: 'timeout', why: 'it does not answer', retry: 'contacted', fix: checkNetwork };
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return { code: 'timeout', why: 'it stopped answering', retry: 'always' };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { code: 'unavailable', why: 'the connection broke', retry: 'always' };
    default:
      return { code: 'unavailable', why: `the request failed (${code})`, retry: 'never' };
  }
}

function errorCodeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return errorCodeOf(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return errorCodeOf(error.cause);
}

/** undici says only in its text how the proxy answered. */
function tunnelStatus(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, status] = /^Proxy response \(([0-9]{3})\)/.exec(error.message) ?? [];
  return status === undefined ? tunnelStatus(error.cause) : Number(status);
}

/**
 * What a request to `host` threw, in words, and whether trying again may help. Unknown errors are handed back as they are.
 */
export function toNetworkError(error: unknown, host: string, way: Way = {}): { readonly error: unknown; readonly retry: Retry } {
  const code = errorCodeOf(error);
  if (error instanceof EngineError || code === undefined) return { error, retry: 'never' };
  const { proxy } = way;
  const status = proxy === undefined ? undefined : tunnelStatus(error);
  if (proxy !== undefined && status !== undefined) return { error: proxyRefusal(status, host, proxy), retry: 'never' };
  const words = tlsWords(code, host, way) ?? connectionWords(code);
  const byProxy = proxy !== undefined && words.retry === 'contacted';
  const fix = byProxy ? checkProxy : words.fix;
  const failure = new EngineError(words.code, `cannot reach registry ${host}: ${byProxy ? `the proxy ${proxy}: ` : ''}${words.why}`, {
    ...(fix === undefined ? {} : { fix }),
    details: { host, reason: code, ...(byProxy ? { proxy } : {}) },
    cause: error,
  });
  return { error: failure, retry: words.retry };
}
