/** -e, --env-file, --env-host, --label-file and --http-proxy. */
import { readFileSync } from 'node:fs';
import { EngineError, messageOf } from '../../../base/errors.ts';

type HostEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * `KEY=VALUE` as it is, `KEY` from the host (left out when the host has none), `PRE*` all that begin so. Later ones win; the order of first
 * mention is kept.
 */
export function mergeEnvironment(items: readonly string[], host: HostEnvironment, into = new Map<string, string>()): Map<string, string> {
  for (const item of items) {
    const equals = item.indexOf('=');
    if (equals === 0) throw new EngineError('invalid-argument', `invalid variable "${item}": the part before = is empty`);
    if (equals > 0) into.set(item.slice(0, equals), item.slice(equals + 1));
    else if (item.endsWith('*')) {
      for (const [key, value] of Object.entries(host)) if (key.startsWith(item.slice(0, -1)) && value !== undefined) into.set(key, value);
    } else {
      const value = host[item];
      if (value !== undefined) into.set(item, value);
    }
  }
  return into;
}

/** Lines of a file; comments and empty lines are left out, leading blanks are cut, values stay as they are (no quoting). */
export function readLineFile(path: string, what: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new EngineError('invalid-argument', `reading ${what} ${path}: ${messageOf(error)}`, { cause: error });
  }
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY'];

export interface EnvironmentFlags {
  readonly env: readonly string[];
  readonly files: readonly string[];
  readonly all: boolean;
  readonly proxies: boolean;
}

/** KEY=VALUE for the engine: proxies, then the host's, then files, then -e. */
export function containerEnvironment(flags: EnvironmentFlags, host: HostEnvironment): string[] {
  const variables = new Map<string, string>();
  if (flags.proxies) mergeEnvironment(proxyNames, host, variables);
  if (flags.all) mergeEnvironment(Object.keys(host), host, variables);
  for (const file of flags.files) mergeEnvironment(readLineFile(file, 'environment file'), host, variables);
  mergeEnvironment(flags.env, host, variables);
  return Array.from(variables, ([key, value]) => `${key}=${value}`);
}
