/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY by the rules of Go's httpproxy, which Podman follows. */
import { BlockList, isIP } from 'node:net';
import { EngineError } from '../../base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

function variable(environment: Environment, name: string): string {
  const upper = environment[name.toUpperCase()] ?? '';
  return upper === '' ? (environment[name] ?? '') : upper;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function inRange(range: string, host: string): boolean {
  const family = isIP(host);
  const [base = '', bits = ''] = range.split('/');
  if (family === 0 || isIP(base) !== family || !/^[0-9]{1,3}$/.test(bits)) return false;
  const list = new BlockList();
  const type = family === 6 ? 'ipv6' : 'ipv4';
  const prefix = Number(bits);
  if (prefix > (family === 6 ? 128 : 32)) return false;
  list.addSubnet(base, prefix, type);
  return list.check(host, type);
}

function isExcluded(noProxy: string, host: string, port: string): boolean {
  for (const raw of noProxy.split(',')) {
    const entry = raw.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return true;
    if (entry.includes('/')) {
      if (inRange(entry, host)) return true;
      continue;
    }
    const colon = entry.lastIndexOf(':');
    const hasPort = colon !== -1 && entry.indexOf(':') === colon;
    if (hasPort && entry.slice(colon + 1) !== port) continue;
    const name = hasPort ? entry.slice(0, colon) : entry;
    if (isIP(name) !== 0) {
      if (name === host) return true;
      continue;
    }
    const domain = name.replace(/^\*?\./, '');
    const onlyBelow = name !== domain;
    if ((!onlyBelow && host === domain) || host.endsWith(`.${domain}`)) return true;
  }
  return false;
}

/** The proxy for a URL, or undefined for a direct connection. */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const value = variable(environment, url.protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (value === '' || isLoopback(host)) return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (isExcluded(variable(environment, 'no_proxy'), host, port)) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new EngineError('invalid-argument', `the proxy for ${url.host} is not an http or https URL`, {
      fix: 'Correct HTTP_PROXY or HTTPS_PROXY in the environment.',
    });
  return new URL(text);
}
