/** What a registry has: by the search of the registry protocol's first version, which only public ones answer, or by its catalogue. */
import * as v from 'valibot';
import { EngineError, isCancelled, isEngineError } from '../../base/errors.ts';
import { type Credentials, parseCredentials } from './auth-file.ts';
import type { HostSession } from './host-session.ts';
import { type LoginKey, type RegistryAccess, openHostSession, openTransport, storedCredentials } from './login.ts';

export interface FoundRepository {
  /** Without the registry. */
  readonly repository: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
  readonly automated: boolean;
}

const largestPageBytes = 8 * 1024 * 1024;
/** A server that always names one more page must not keep us for ever. */
const mostPages = 1000;

const firstVersion = v.object({
  results: v.nullish(
    v.array(
      v.object({
        name: v.string(),
        description: v.nullish(v.string(), ''),
        star_count: v.nullish(v.number(), 0),
        is_official: v.nullish(v.boolean(), false),
        is_automated: v.nullish(v.boolean(), false),
      }),
    ),
    [],
  ),
});
const catalogue = v.object({ repositories: v.nullish(v.array(v.string()), []) });
const tagList = v.object({ tags: v.nullish(v.array(v.string()), []) });

/** Repositories whose name or description fits. `unsupported` when this registry can neither search nor list. */
export async function searchRegistry(access: RegistryAccess, registry: string, term: string, limit: number): Promise<FoundRepository[]> {
  const key = keyOf(registry);
  await using transport = openTransport(access);
  const credentials = await storedCredentials(access, key);
  const session = openHostSession(access, transport, registry, credentials);
  const found = term === '' ? undefined : await searchFirstVersion(session, registry, term, limit);
  return found ?? (await searchCatalogue(session, registry, term, limit, credentials));
}

/**
 * All tags of a repository, as the registry orders them.
 * @param given user:password instead of what is stored
 */
export async function listTags(access: RegistryAccess, registry: string, repository: string, given?: string): Promise<string[]> {
  await using transport = openTransport(access);
  const stored = { key: `${registry}/${repository}`, registry, repository };
  const credentials = given === undefined ? await storedCredentials(access, stored) : parseCredentials(given);
  const session = openHostSession(access, transport, registry, credentials);
  const tags: string[] = [];
  const pages = readPages(session, `/v2/${repository}/tags/list`, `repository:${repository}:pull`, `the tags of ${registry}/${repository}`);
  for await (const page of pages) tags.push(...parse(tagList, page, registry).tags);
  return tags;
}

function keyOf(registry: string): LoginKey {
  return { key: registry, registry, repository: '' };
}

async function searchFirstVersion(
  session: HostSession,
  registry: string,
  term: string,
  limit: number,
): Promise<FoundRepository[] | undefined> {
  const base = registry === 'docker.io' ? new URL('https://index.docker.io/') : await session.base();
  const url = new URL('/v1/search', base);
  url.searchParams.set('q', term);
  url.searchParams.set('n', String(limit));
  const response = await session.getOpenly(url);
  if (response.status !== 200) {
    await response.discard();
    return undefined;
  }
  const bytes = await response.read(largestPageBytes, 'the result of the search');
  const parsed = v.safeParse(firstVersion, jsonOf(bytes));
  // Something else answers there, for example a page for people.
  if (!parsed.success) return undefined;
  return parsed.output.results
    .slice(0, limit)
    .map(({ name, description, star_count: stars, is_official: official, is_automated: automated }) => ({
      repository: clean(name),
      description: clean(description),
      stars,
      official,
      automated,
    }));
}

async function searchCatalogue(
  session: HostSession,
  registry: string,
  term: string,
  limit: number,
  credentials: Credentials | undefined,
): Promise<FoundRepository[]> {
  const names: string[] = [];
  try {
    for await (const page of readPages(session, '/v2/_catalog', 'registry:catalog:*', `the list of repositories of ${registry}`)) {
      for (const name of parse(catalogue, page, registry).repositories) {
        if (!name.includes(term)) continue;
        // The very name that was asked for first, as Podman has it.
        if (name === term) names.unshift(name);
        else names.push(name);
        if (names.length === limit) return names.map(toRepository);
      }
    }
  } catch (error) {
    if (isCancelled(error) || !isEngineError(error)) throw error;
    throw explain(error, registry, credentials);
  }
  return names.map(toRepository);
}

function toRepository(name: string): FoundRepository {
  return { repository: clean(name), description: '', stars: 0, official: false, automated: false };
}

function explain(error: EngineError, registry: string, credentials: Credentials | undefined): EngineError {
  const refused = error.code === 'not-found' || error.code === 'denied' || error.code === 'unauthorized';
  if (!refused) return error.within(`couldn't search registry "${registry}"`);
  const fix =
    error.code === 'unauthorized' && !credentials
      ? `Log in first: selkie login ${registry}`
      : `Give the full name of an image instead: selkie search --list-tags ${registry}/NAME lists its tags.`;
  const code = error.code === 'unauthorized' ? 'unauthorized' : 'unsupported';
  return new EngineError(code, `couldn't search registry "${registry}": it does not let its repositories be listed (${error.message})`, {
    fix,
    cause: error,
  });
}

async function* readPages(session: HostSession, first: string, scope: string, what: string): AsyncGenerator {
  let path: string | undefined = first;
  for (let page = 0; path !== undefined && page < mostPages; page++) {
    const response = await session.get(path, scope);
    if (response.status !== 200) throw await session.toError(response, what);
    const next = nextPage(response.headers['link']);
    yield jsonOf(await response.read(largestPageBytes, what));
    path = next;
  }
}

/** RFC 8288, as the distribution specification uses it: `</v2/_catalog?last=…&n=…>; rel="next"`. */
function nextPage(link: string | undefined): string | undefined {
  return /^\s*<([^>]+)>\s*;.*\brel="?next"?/.exec(link ?? '')?.[1];
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function parse<T extends v.GenericSchema>(schema: T, document: unknown, registry: string): v.InferOutput<T> {
  const parsed = v.safeParse(schema, document);
  if (!parsed.success) throw new EngineError('unavailable', `registry ${registry} answered with something that is no list`);
  return parsed.output;
}

/** A server's text on a person's terminal: no control characters. */
function clean(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\u{10ffff}]+/gu, ' ').trim();
}
