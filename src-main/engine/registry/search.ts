/** `search`: in which registries, by Podman's rules, and what of the results is wanted. */
import { EngineError, isCancelled, isEngineError } from '../../base/errors.ts';
import type { SearchResult } from '../../contract/registry.ts';
import { type FoundRepository, listTags, searchRegistry } from './catalogue.ts';
import { type RegistryAccess, parseLoginKey } from './login.ts';

export interface SearchOptions {
  /** Of each registry; 0: 25, as Podman. */
  readonly limit: number;
  readonly listTags: boolean;
  readonly filters: readonly { readonly key: string; readonly value: string }[];
}

const usualLimit = 25;
/** A registry answers in tens of milliseconds; more at once only matter for long lists of registries. */
const atOnce = 6;

/** Registries that fail while others answer are told in `warnings`; when all fail, the first failure is thrown. */
export async function searchImages(
  access: RegistryAccess,
  term: string,
  options: SearchOptions,
): Promise<{ readonly results: SearchResult[]; readonly warnings: string[] }> {
  const fits = compile(options.filters);
  if (options.listTags) return { results: await tagsOf(access, term, options), warnings: [] };
  const { registries, text } = placesFor(access, term);
  const limit = options.limit === 0 ? usualLimit : options.limit;
  const results: SearchResult[] = [];
  const failures: unknown[] = [];
  for (let from = 0; from < registries.length; from += atOnce) {
    const part = registries.slice(from, from + atOnce);
    const answers = await Promise.allSettled(part.map((registry) => searchRegistry(access, registry, text, limit)));
    answers.forEach((answer, index) => {
      if (answer.status === 'fulfilled') results.push(...answer.value.map((found) => toResult(part[index] ?? '', found)));
      else failures.push(answer.reason);
    });
  }
  for (const error of failures) if (isCancelled(error) || !isEngineError(error)) throw failure(error);
  if (failures.length === registries.length) throw failure(failures[0]);
  return { results: results.filter(fits), warnings: failures.filter((error) => isEngineError(error)).map(({ message }) => message) };
}

/** What a settled promise was rejected with. */
function failure(reason: unknown): Error {
  return reason instanceof Error ? reason : new EngineError('internal', String(reason));
}

/** What stands before the first slash is the registry, whatever it is; without one those of registries.conf are searched. */
function placesFor({ registries }: RegistryAccess, term: string): { readonly registries: readonly string[]; readonly text: string } {
  const slash = term.indexOf('/');
  if (slash >= 0) return { registries: [parseLoginKey(term.slice(0, slash), registries).registry], text: term.slice(slash + 1) };
  if (registries.unqualifiedSearch.length > 0) return { registries: registries.unqualifiedSearch, text: term };
  throw new EngineError('invalid-argument', `no registry to search ${JSON.stringify(term)} in`, {
    fix: 'Write REGISTRY/TERM, or name registries in unqualified-search-registries of registries.conf.',
  });
}

async function tagsOf(access: RegistryAccess, term: string, options: SearchOptions): Promise<SearchResult[]> {
  if (options.filters.length > 0) throw new EngineError('invalid-argument', 'filters are not applicable to list tags result');
  const resolution = access.registries.resolveForPull(term.replace(/^docker:\/\//, ''));
  const [reference] = resolution.candidates;
  if (!reference) throw new EngineError('invalid-argument', `${JSON.stringify(term)} names no repository`);
  const { registry, repository } = reference;
  const tags = await listTags(access, registry, repository);
  const limit = options.limit === 0 ? usualLimit : options.limit;
  return tags.slice(0, limit).map((tag) => ({ ...toResult(registry, nameOnly(repository)), name: `${registry}/${repository}`, tag }));
}

function nameOnly(repository: string): FoundRepository {
  return { repository, description: '', stars: 0, official: false, automated: false };
}

function toResult(index: string, { repository, ...found }: FoundRepository): SearchResult {
  const official = index === 'docker.io' && !repository.includes('/');
  return { index, name: `${index}/${official ? 'library/' : ''}${repository}`, ...found, tag: '' };
}

function compile(filters: SearchOptions['filters']): (result: SearchResult) => boolean {
  const tests = filters.map(({ key, value }): ((result: SearchResult) => boolean) => {
    switch (key) {
      case 'stars': {
        if (!/^\d+$/.test(value)) throw new EngineError('invalid-argument', `incorrect value type for stars filter: "${value}"`);
        return ({ stars }) => stars >= Number(value);
      }
      case 'is-official':
        return ({ official }) => official === (value !== 'false');
      case 'is-automated':
        return ({ automated }) => automated === (value !== 'false');
      default:
        throw new EngineError('invalid-argument', `invalid filter type "${value === '' ? key : `${key}=${value}`}"`, {
          fix: 'use stars, is-official or is-automated',
        });
    }
  });
  return (result) => tests.every((fits) => fits(result));
}
