/** All of registries.conf together: the main file, drop-ins, aliases; and what they say about one reference. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { type Reference, formatReference, repositoryName } from './parse.ts';
import { type RegistryTable, readRegistriesFile } from './registries-file.ts';
import { type ShortNameResolution, type ShortNameSettings, localCandidates, resolveForPull } from './short-name.ts';

export interface RegistriesFiles {
  readonly homeDirectory: string;
  readonly rootless: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For tests: where /etc is. */
  readonly systemDirectory?: string;
}

/** Where to fetch a reference from. */
export interface PullSource {
  /** host[:port] to connect to. */
  readonly registry: string;
  readonly repository: string;
  /** HTTP, or TLS without verification, is allowed. */
  readonly insecure: boolean;
  readonly isMirror: boolean;
}

export interface Registries {
  readonly unqualifiedSearch: readonly string[];
  /** Every file that was read. */
  readonly files: readonly string[];
  /** containers-registries.conf(5) credential-helpers; `containers-auth.json` stands for auth.json itself. */
  readonly credentialHelpers: readonly string[];
  resolveForPull(text: string): ShortNameResolution;
  localCandidates(text: string): Reference[];
  /** Mirrors first, the registry last. `denied` when registries.conf blocks it. */
  pullSources(reference: Reference): PullSource[];
}

interface Locations {
  readonly main: string;
  readonly dropIns: readonly string[];
}

/** The choice of files as containers/image makes it: a user's own file replaces the system's and its drop-ins. */
function locate(files: RegistriesFiles): Locations {
  const system = join(files.systemDirectory ?? '/etc', 'containers');
  const user = join(files.homeDirectory, '.config/containers');
  const named = files.environment['CONTAINERS_REGISTRIES_CONF'] ?? files.environment['REGISTRIES_CONFIG_PATH'] ?? '';
  const both = [join(system, 'registries.conf.d'), join(user, 'registries.conf.d')];
  if (named !== '') return { main: named, dropIns: both };
  const own = join(user, 'registries.conf');
  if (readRegistriesFile(own) !== undefined) return { main: own, dropIns: [join(user, 'registries.conf.d')] };
  return { main: join(system, 'registries.conf'), dropIns: both };
}

function listConfFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function aliasCache(files: RegistriesFiles): string {
  if (!files.rootless) return '/var/cache/containers/short-name-aliases.conf';
  const cache = files.environment['XDG_CACHE_HOME'] ?? '';
  return join(cache === '' ? join(files.homeDirectory, '.cache') : cache, 'containers/short-name-aliases.conf');
}

/** Length of the matching beginning of `name`, or -1. A match ends at a separator. */
function matchPrefix(prefix: string, name: string): number {
  let end: number;
  if (prefix.startsWith('*.')) {
    const [host = '', ...path] = prefix.slice(1).split('/');
    const slash = name.indexOf('/');
    const nameHost = slash === -1 ? name : name.slice(0, slash);
    if (!nameHost.endsWith(host) && !nameHost.replace(/:[0-9]+$/, '').endsWith(host)) return -1;
    const rest = path.length === 0 ? '' : `/${path.join('/')}`;
    if (!name.slice(nameHost.length).startsWith(rest)) return -1;
    end = nameHost.length + rest.length;
  } else {
    if (!name.startsWith(prefix)) return -1;
    end = prefix.length;
  }
  const next = name[end];
  return next === undefined || next === '/' || next === ':' || next === '@' ? end : -1;
}

function findTable(tables: ReadonlyMap<string, RegistryTable>, name: string): RegistryTable | undefined {
  let best: RegistryTable | undefined;
  for (const table of tables.values()) {
    if (matchPrefix(table.prefix, name) !== -1 && (best === undefined || table.prefix.length > best.prefix.length)) best = table;
  }
  return best;
}

/** The place that a location makes of a matched name: what follows the match is kept, tag and digest are not part of a place. */
function toSource(location: string, reference: Reference, matched: number, insecure: boolean, isMirror: boolean): PullSource {
  const name = repositoryName(reference);
  const place = location === '' ? name : location + name.slice(Math.min(matched, name.length));
  const slash = place.indexOf('/');
  if (slash === -1)
    throw new EngineError('corrupt', `registries.conf makes ${JSON.stringify(place)} of ${name}, which names no repository`);
  return { registry: place.slice(0, slash), repository: place.slice(slash + 1), insecure, isMirror };
}

function pullSources(reference: Reference, tables: ReadonlyMap<string, RegistryTable>): PullSource[] {
  const name = formatReference(reference);
  const table = findTable(tables, name);
  if (!table) return [{ registry: reference.registry, repository: reference.repository, insecure: false, isMirror: false }];
  if (table.blocked)
    throw new EngineError(
      'denied',
      `registry ${reference.registry} is blocked by registries.conf (prefix ${JSON.stringify(table.prefix)})`,
      {
        fix: 'Remove "blocked = true" there, or use another registry.',
      },
    );
  const matched = matchPrefix(table.prefix, name);
  const digested = reference.digest !== undefined;
  const mirrors = table.mirror.filter((mirror) => {
    const mode = table['mirror-by-digest-only'] ? 'digest-only' : mirror['pull-from-mirror'];
    return mode === 'all' || mode === (digested ? 'digest-only' : 'tag-only');
  });
  return [
    ...mirrors.map((mirror) => toSource(mirror.location, reference, matched, mirror.insecure, true)),
    toSource(table.location, reference, matched, table.insecure, false),
  ];
}

/** Reads every file anew. Errors: `corrupt` or `unsupported` with the file. */
export function loadRegistries(files: RegistriesFiles): Registries {
  const { main, dropIns } = locate(files);
  const tables = new Map<string, RegistryTable>();
  const aliases = new Map<string, { readonly value: string; readonly file: string }>();
  const read: string[] = [];
  let unqualifiedSearch: readonly string[] = [];
  let mode: ShortNameSettings['mode'] = 'permissive';
  let credentialHelpers: readonly string[] = [];
  const paths = [main, ...dropIns.flatMap(listConfFiles)];
  for (const path of [...paths, aliasCache(files)]) {
    const file = readRegistriesFile(path);
    if (!file) {
      if (path === main && main === files.environment['CONTAINERS_REGISTRIES_CONF'])
        throw new EngineError('not-found', `CONTAINERS_REGISTRIES_CONF names ${main}, which does not exist`);
      continue;
    }
    read.push(path);
    unqualifiedSearch = file['unqualified-search-registries'] ?? unqualifiedSearch;
    const fileMode = file['short-name-mode'] ?? '';
    if (fileMode !== '') mode = fileMode;
    credentialHelpers = file['credential-helpers'] ?? credentialHelpers;
    for (const table of file.registry) tables.set(table.prefix, table);
    for (const [name, value] of Object.entries(file.aliases)) aliases.set(name, { value, file: path });
  }
  const settings: ShortNameSettings = { unqualifiedSearch, mode, aliases, file: read.includes(main) ? main : undefined };
  return {
    unqualifiedSearch,
    files: read,
    credentialHelpers,
    resolveForPull: (text) => resolveForPull(text, settings),
    localCandidates: (text) => localCandidates(text, settings),
    pullSources: (reference) => pullSources(reference, tables),
  };
}
