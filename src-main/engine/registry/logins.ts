/** Who is logged in where, by what the files and the helpers list. Passwords are neither asked for nor answered. */
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { EngineError, isCancelled, isEngineError } from '../../base/errors.ts';
import type { StoredLogin } from '../../contract/registry.ts';
import type { System } from '../../system/system.ts';
import { authFilePaths, credentialProgram, decodeAuth, type NamedHelper, normaliseKey, readAuthFile, registriesConf } from './auth-file.ts';
import { type RegistryAccess, toLookup } from './login.ts';

export interface ListedLogins {
  /** By key; of a registry that several places know only the one that is used. */
  readonly logins: StoredLogin[];
  /** Of files and helpers that could not be read, while others could. */
  readonly warnings: string[];
}

const helperList = v.record(v.string(), v.string());
/** More is no list of a person's logins. */
const mostOfHelper = 1000;

/** In the order in which {@link findCredentials} asks, so that the first of a key is the one that is used. Changes nothing. */
export async function listLogins(access: RegistryAccess): Promise<ListedLogins> {
  const lookup = toLookup(access);
  const { paths } = authFilePaths(lookup);
  const found = new Map<string, StoredLogin>();
  const warnings: string[] = [];
  const add = (login: StoredLogin) => {
    if (!found.has(login.key)) found.set(login.key, login);
  };
  const attempt = async (read: () => Promise<readonly StoredLogin[]>) => {
    try {
      for (const login of await read()) add(login);
    } catch (error) {
      if (!isEngineError(error) || isCancelled(error)) throw error;
      warnings.push(error.message);
    }
  };
  for (const helper of lookup.helpers.length === 0 ? ['containers-auth.json'] : lookup.helpers) {
    if (helper !== 'containers-auth.json') {
      await attempt(() => ofHelper(access.system, { helper, namedIn: registriesConf }, true));
      continue;
    }
    for (const [index, path] of paths.entries())
      if (existsSync(path))
        await attempt(() => ofFile(access.system, path, { own: index === 0, onWarning: (text) => warnings.push(text) }));
  }
  return { logins: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)), warnings };
}

interface FileTraits {
  /** The one that logins are written to: what is there can be forgotten. */
  readonly own: boolean;
  readonly onWarning: (text: string) => void;
}

async function ofFile(system: System, path: string, { own, onWarning }: FileTraits): Promise<readonly StoredLogin[]> {
  const file = readAuthFile(path, true);
  if (!file) return [];
  const kind = /[/\\]config\.json$/.test(path) ? 'docker' : 'auth-file';
  const logins: StoredLogin[] = [];
  const lists = new Map<string, readonly StoredLogin[]>();
  const listOf = async (helper: string): Promise<readonly StoredLogin[]> => {
    const known = lists.get(helper);
    if (known) return known;
    let list: readonly StoredLogin[] = [];
    try {
      list = await ofHelper(system, { helper, namedIn: path }, own);
    } catch (error) {
      if (!isEngineError(error) || isCancelled(error)) throw error;
      onWarning(error.message);
    }
    lists.set(helper, list);
    return list;
  };
  for (const [name, helper] of Object.entries(file.credHelpers)) {
    const key = normaliseKey(name);
    // A helper that makes its credentials when it is asked (those of clouds) has none in its list.
    const listed = (await listOf(helper)).find((login) => login.key === key);
    logins.push(listed ?? { key, username: '', hasToken: false, kind: 'helper', storedIn: `docker-credential-${helper}`, own });
  }
  for (const [name, entry] of Object.entries(file.auths)) {
    const credentials = entry && decodeAuth(entry.auth, entry.identitytoken, path);
    if (!credentials) continue;
    const { username, identityToken } = credentials;
    logins.push({ key: toKey(name), username, hasToken: identityToken !== undefined, kind, storedIn: path, own });
  }
  return file.credsStore === '' ? logins : [...logins, ...(await listOf(file.credsStore))];
}

/** By docker's helper protocol: `list` answers an object of servers and users. */
async function ofHelper(system: System, { helper, namedIn }: NamedHelper, own: boolean): Promise<readonly StoredLogin[]> {
  const program = credentialProgram(helper, namedIn);
  const result = await system.processes.run(program, ['list'], { input: '', timeoutMs: 30_000, maxOutputBytes: 1024 * 1024 });
  if (result.code !== 0) throw new EngineError('unavailable', `${program} does not tell whom it has credentials for`);
  let answer: unknown;
  try {
    answer = JSON.parse(result.stdout);
  } catch (error) {
    throw new EngineError('corrupt', `${program} did not answer with JSON`, { cause: error });
  }
  const parsed = v.safeParse(helperList, answer);
  if (!parsed.success) throw new EngineError('corrupt', `${program} answered with something that is no list of registries`);
  return Object.entries(parsed.output)
    .slice(0, mostOfHelper)
    .map(([server, user]) => ({
      key: toKey(server),
      username: user === '<token>' ? '' : user,
      hasToken: user === '<token>',
      kind: 'helper',
      storedIn: program,
      own,
    }));
}

/** Docker Hub under the name that images have. */
function toKey(name: string): string {
  const key = normaliseKey(name);
  return key === 'index.docker.io' || key === 'registry-1.docker.io' ? 'docker.io' : key;
}
