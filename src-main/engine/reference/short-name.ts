/** Podman's rules for names without a registry: which full names they may mean, for pulling and for looking up what is here. */
import { EngineError } from '../../base/errors.ts';
import { type Reference, formatReference, isShortName, parseReference, withDefaultTag, withoutTagIfDigested } from './parse.ts';

export interface ShortNameSettings {
  readonly unqualifiedSearch: readonly string[];
  readonly mode: 'disabled' | 'permissive' | 'enforcing';
  readonly aliases: ReadonlyMap<string, { readonly value: string; readonly file: string }>;
  /** The file that decides about unqualified names; undefined when there is no registries.conf. */
  readonly file: string | undefined;
}

export interface ShortNameResolution {
  /** In the order in which they are to be tried. */
  readonly candidates: readonly Reference[];
  /** Why, in words for progress: an alias and its file, or the search list. */
  readonly source: string;
}

interface SplitName {
  readonly name: string;
  /** `:tag`, `@digest`, both or nothing. */
  readonly suffix: string;
}

function splitShortName(text: string): SplitName {
  const at = text.indexOf('@');
  const rest = at === -1 ? text : text.slice(0, at);
  const colon = rest.indexOf(':');
  const end = colon === -1 ? rest.length : colon;
  return { name: text.slice(0, end), suffix: text.slice(end) };
}

function complete(text: string): Reference {
  return withoutTagIfDigested(withDefaultTag(parseReference(text)));
}

function findAlias(text: string, settings: ShortNameSettings): ShortNameResolution | undefined {
  const { name, suffix } = splitShortName(text);
  const alias = settings.aliases.get(name);
  if (alias === undefined || alias.value === '') return undefined;
  return { candidates: [complete(alias.value + suffix)], source: `resolved ${JSON.stringify(text)} as an alias (${alias.file})` };
}

/**
 * What to pull for a name. Errors: `invalid-argument`; `not-found` when nothing is configured for short names; `ambiguous` with the
 * candidates when the mode is enforcing and several registries could be meant.
 */
export function resolveForPull(text: string, settings: ShortNameSettings): ShortNameResolution {
  // Its syntax is checked first, so that no mistake hides behind a missing configuration.
  const normalised = complete(text);
  if (text.startsWith('docker://') || !isShortName(text)) return { candidates: [normalised], source: '' };
  const alias = settings.mode === 'disabled' ? undefined : findAlias(text, settings);
  if (alias) return alias;
  if (settings.file === undefined) return { candidates: [normalised], source: 'docker.io, since there is no registries.conf' };
  const candidates = settings.unqualifiedSearch.map((registry) => complete(`${registry}/${text}`));
  if (candidates.length === 0)
    throw new EngineError(
      'not-found',
      `short-name ${JSON.stringify(text)} did not resolve to an alias and no unqualified-search registries are defined in ${JSON.stringify(settings.file)}`,
      {
        fix: `Give the full name, such as ${formatReference(normalised)}, or set unqualified-search-registries = ["docker.io"] in ${settings.file}.`,
        details: { candidates: [formatReference(normalised)] },
      },
    );
  if (candidates.length > 1 && settings.mode === 'enforcing')
    throw new EngineError(
      'ambiguous',
      `short-name resolution of ${JSON.stringify(text)} is enforced and several registries could be meant`,
      {
        fix: `Give the full name: ${candidates.map(formatReference).join(', ')}.`,
        details: { candidates: candidates.map(formatReference) },
      },
    );
  return { candidates, source: `using unqualified-search registries (${settings.file})` };
}

/** Full names under which a name may be in the store, best first. A name with broken syntax has none. */
export function localCandidates(text: string, settings: ShortNameSettings): Reference[] {
  let normalised: Reference;
  try {
    normalised = complete(text);
  } catch {
    return [];
  }
  if (text.startsWith('docker://') || !isShortName(text)) return [normalised];
  const alias = settings.mode === 'disabled' ? undefined : findAlias(text, settings);
  const registries = ['localhost', ...settings.unqualifiedSearch.filter((registry) => registry !== 'docker.io')];
  const candidates = [...(alias?.candidates ?? []), ...registries.map((registry) => complete(`${registry}/${text}`)), normalised];
  return [...new Map(candidates.map((candidate) => [formatReference(candidate), candidate])).values()];
}
