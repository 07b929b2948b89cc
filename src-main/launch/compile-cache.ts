import { join } from 'node:path';

/**
 * Where V8 keeps our compiled code. Not in /tmp, which is Node's default: the cache is believed without a check, so nobody else may be
 * able to write there.
 */
export function compileCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME: cache, HOME: home } = environment;
  if (cache?.startsWith('/') === true) return join(cache, 'selkie/compiled');
  return home?.startsWith('/') === true ? join(home, '.cache/selkie/compiled') : '/var/cache/selkie/compiled';
}
