import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import { parseChallenges } from '../../../src-main/engine/registry/challenge.ts';
import { defaultLimits } from '../../../src-main/engine/registry/limits.ts';
import { toNetworkError } from '../../../src-main/engine/registry/network-error.ts';
import { checkPolicy, dockerScopes, pathScopes } from '../../../src-main/engine/registry/policy.ts';
import { proxyFor } from '../../../src-main/engine/registry/proxy.ts';
import { TransientError, parseRetryAfter, withRetries } from '../../../src-main/engine/registry/retry.ts';

describe('WWW-Authenticate', () => {
  test.each([
    [
      'Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"',
      [{ scheme: 'bearer', realm: 'https://a/t', service: 's', scope: 'repository:x:pull,push' }],
    ],
    [
      'Basic realm="a, \\"b\\"", Bearer realm=https',
      [
        { scheme: 'bearer', realm: 'https' },
        { scheme: 'basic', realm: 'a, "b"' },
      ],
    ],
    ['Negotiate, basic', [{ scheme: 'basic' }]],
    ['NTLM abc==', []],
    ['', []],
    ['Bearer realm="unterminated', [{ scheme: 'bearer', realm: '' }]],
  ])('%s', (header, expected) => {
    expect(parseChallenges(header)).toMatchObject(expected);
  });
});

describe('proxies', () => {
  const environment = {
    HTTPS_PROXY: 'proxy.test:3128',
    http_proxy: 'http://u:p@plain.test',
    NO_PROXY: 'a.test,.b.test,10.0.0.0/8,c.test:444',
  };
  test.each([
    ['https://x.test/', 'http://proxy.test:3128/'],
    ['http://x.test/', 'http://u:p@plain.test/'],
    ['https://a.test/', undefined],
    ['https://sub.a.test/', undefined],
    ['https://b.test/', 'http://proxy.test:3128/'],
    ['https://sub.b.test/', undefined],
    ['https://10.1.2.3/', undefined],
    ['https://11.1.2.3/', 'http://proxy.test:3128/'],
    ['https://c.test/', 'http://proxy.test:3128/'],
    ['https://c.test:444/', undefined],
    ['https://localhost:5000/', undefined],
    ['https://127.0.0.1/', undefined],
    ['https://[::1]/', undefined],
  ])('%s by %s', (url, proxy) => {
    expect(proxyFor(new URL(url), environment)?.href).toBe(proxy);
  });
});

test('Retry-After, in seconds or as a date', () => {
  expect(parseRetryAfter('7', 0)).toBe(7000);
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
  expect(parseRetryAfter('soon', 0)).toBeUndefined();
  expect(parseRetryAfter(undefined, 0)).toBeUndefined();
});

describe('retries', () => {
  const limits = { ...defaultLimits, attempts: 3, pauseMs: 1, longestPauseMs: 1 };
  const failure = new EngineError('unavailable', 'away');

  test('so many attempts and no more; progress starts counting anew', async () => {
    let calls = 0;
    const attempt = (): Promise<never> => {
      calls++;
      return Promise.reject(new TransientError(failure));
    };
    await expect(withRetries({ limits, signal: undefined, onRetry: undefined }, attempt)).rejects.toBe(failure);
    expect(calls).toBe(3);
    calls = 0;
    await expect(withRetries({ limits, signal: undefined, onRetry: undefined, progressed: () => calls < 5 }, attempt)).rejects.toBe(
      failure,
    );
    expect(calls).toBe(6);
  });

  test('cancelling ends the pause at once; a pause longer than allowed is not begun', async () => {
    const abort = new AbortController();
    const waiting = withRetries(
      {
        limits: { ...limits, pauseMs: 1e6, longestPauseMs: 1e6 },
        signal: abort.signal,
        onRetry: () => queueMicrotask(() => abort.abort()),
      },
      () => Promise.reject(new TransientError(failure)),
    );
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(
      withRetries({ limits, signal: undefined, onRetry: undefined }, () => Promise.reject(new TransientError(failure, 1e9))),
    ).rejects.toBe(failure);
  });
});

test.each([
  ['ENOTFOUND', 'unavailable', 'no host of this name', 'contacted'],
  ['CERT_HAS_EXPIRED', 'unavailable', 'not valid at this time', 'never'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'unavailable', 'another name', 'never'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unavailable', 'does not trust', 'never'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'does not answer', 'contacted'],
  ['ECONNRESET', 'unavailable', 'broke', 'always'],
])('%s in words', (code, engineCode, words, retry) => {
  const cause = Object.assign(new Error('x'), { code });
  const answer = toNetworkError(new AggregateError([new Error('wrapped', { cause })]), 'r.test');
  expect(answer.retry).toBe(retry);
  expect(answer.error).toMatchObject({ code: engineCode, message: expect.stringMatching(`r.test.*${words}`) as string });
});

describe('policy.json', () => {
  const check = (policy: unknown, reference: string, own = false): void => {
    const home = mkdtempSync('/tmp/selkie-policy-');
    try {
      mkdirSync(join(home, '.config/containers'), { recursive: true });
      if (policy !== undefined) writeFileSync(join(home, '.config/containers/policy.json'), JSON.stringify(policy));
      const scopes = dockerScopes(`${reference}:v1`, reference);
      checkPolicy({ transport: 'docker', scopes, name: reference, own }, { homeDirectory: home, systemDirectory: home });
    } finally {
      rmSync(home, { recursive: true });
    }
  };
  const accept = [{ type: 'insecureAcceptAnything' }];
  const reject = [{ type: 'reject' }];
  const denied = expect.objectContaining({ code: 'denied' }) as Error;

  test('scopes', () => {
    expect(dockerScopes('r.a.test:5000/x/y:v1', 'r.a.test:5000/x/y')).toEqual([
      'r.a.test:5000/x/y:v1',
      'r.a.test:5000/x/y',
      'r.a.test:5000/x',
      'r.a.test:5000',
      '*.a.test',
      '*.test',
    ]);
    expect(pathScopes('/a/b')).toEqual(['/a/b', '/a']);
  });

  test('the most specific scope decides', () => {
    const policy = {
      default: reject,
      transports: { docker: { 'r.test': accept, 'r.test/bad': reject, '*.wild.test': accept, 'sig.test': [{ type: 'sigstoreSigned' }] } },
    };
    expect(() => check(policy, 'r.test/good')).not.toThrow();
    expect(() => check(policy, 'a.wild.test/x')).not.toThrow();
    for (const name of ['r.test/bad', 'r.test/bad/below', 'other.test/x', 'wild.test/x', 'sig.test/x'])
      expect(() => check(policy, name), name).toThrow(denied);
    expect(() => check({ default: [...accept, { type: 'made-up' }] }, 'a.test/x')).toThrow(denied);
  });

  test('none refuses, with what to install or to write, but for what came with the product; a broken one refuses', () => {
    expect(() => check(undefined, 'a.test/x')).toThrow(
      expect.objectContaining({
        code: 'denied',
        message: expect.stringMatching(/^a\.test\/x is refused: .*policy\.json: no such file or directory$/) as string,
        fix: expect.stringMatching(/golang-github-containers-common.*\{"default":\[\{"type":"insecureAcceptAnything"\}\]\}$/) as string,
      }),
    );
    expect(() => check(undefined, 'a.test/x', true)).not.toThrow();
    expect(() => check({ default: reject }, 'a.test/x', true)).toThrow(denied);
    for (const broken of [{}, { default: [] }, []])
      expect(() => check(broken, 'a.test/x')).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });
});
