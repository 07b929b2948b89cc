/** Credentials where containers tools keep them: containers-auth.json(5), docker's config.json, credential helpers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token instead of a password. */
  readonly identityToken: string | undefined;
  /** For messages: the file or the option they came from. */
  readonly source: string;
}

export interface CredentialLookup {
  readonly system: System;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** --authfile: the only file then, and it has to exist. */
  readonly authFile: string | undefined;
  /** registries.conf credential-helpers. */
  readonly helpers: readonly string[];
}

const authFile = v.object({
  auths: v.nullish(
    v.record(v.string(), v.nullish(v.object({ auth: v.nullish(v.string(), ''), identitytoken: v.nullish(v.string(), '') }))),
    {},
  ),
  credHelpers: v.nullish(v.record(v.string(), v.string()), {}),
  credsStore: v.nullish(v.string(), ''),
});
type AuthFile = v.InferOutput<typeof authFile>;

const helperAnswer = v.object({ Username: v.string(), Secret: v.string() });

/** user:password, as --creds takes it. */
export function parseCredentials(text: string): Credentials {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new EngineError('invalid-argument', 'credentials have to be USER:PASSWORD', { details: { field: 'credentials' } });
  return { username: text.slice(0, colon), password: text.slice(colon + 1), identityToken: undefined, source: '--creds' };
}

/** Files in the order in which they are asked. */
export function authFilePaths(lookup: CredentialLookup): { readonly paths: readonly string[]; readonly required: boolean } {
  const { environment, system } = lookup;
  const named = lookup.authFile ?? environment['REGISTRY_AUTH_FILE'] ?? '';
  if (named !== '') return { paths: [named], required: true };
  const home = system.identity.homeDirectory;
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  const configHome = environment['XDG_CONFIG_HOME'] ?? '';
  const dockerConfig = environment['DOCKER_CONFIG'] ?? '';
  return {
    paths: [
      join(runtime === '' ? `/run/containers/${system.identity.hostUid}` : join(runtime, 'containers'), 'auth.json'),
      join(configHome === '' ? join(home, '.config') : configHome, 'containers/auth.json'),
      join(dockerConfig === '' ? join(home, '.docker') : dockerConfig, 'config.json'),
    ],
    required: false,
  };
}

export function readAuthFile(path: string, required: boolean): AuthFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES')) return undefined;
    throw new EngineError('invalid-argument', `cannot read the credential file ${path}: ${messageOf(error)}`, {
      fix: 'Correct --authfile or REGISTRY_AUTH_FILE.',
      cause: error,
    });
  }
  if (text.trim() === '') return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    // The parser's message would quote the file, and with it secrets.
    throw new EngineError('corrupt', `${path} is not JSON`, { fix: `Correct or remove ${path}.`, cause: error });
  }
  const parsed = v.safeParse(authFile, document);
  if (!parsed.success)
    throw new EngineError('corrupt', `${path}: ${v.getDotPath(parsed.issues[0]) ?? 'the file'} has the wrong type`, {
      fix: `Correct or remove ${path}.`,
    });
  return parsed.output;
}

/** host/a/b, host/a, host: most specific first. docker.io goes by docker's old name too. */
export function keysFor(registry: string, repository: string): string[] {
  const parts = [registry, ...repository.split('/')];
  const keys = parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
  return registry === 'docker.io' ? [...keys, 'index.docker.io', 'registry-1.docker.io'] : keys;
}

/** docker login writes https://index.docker.io/v1/ and the like. */
export function normaliseKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '');
  return bare === key ? key.replace(/\/+$/, '') : (bare.split('/')[0] ?? bare);
}

/** Undefined: it names nobody. */
export function decodeAuth(auth: string, identityToken: string, path: string): Credentials | undefined {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon <= 0) {
    if (identityToken === '') return undefined;
    return { username: '', password: '', identityToken, source: path };
  }
  return {
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ''),
    identityToken: identityToken === '' ? undefined : identityToken,
    source: path,
  };
}

export interface NamedHelper {
  readonly helper: string;
  /** The file, for who has to correct it. */
  readonly namedIn: string;
}

/** Where credential-helpers stands. */
export const registriesConf = 'registries.conf';

/** @param namedIn the file that names it. `corrupt` for what is no name of one. */
export function credentialProgram(helper: string, namedIn: string): string {
  if (!/^[\w.-]+$/.test(helper))
    throw new EngineError('corrupt', `${JSON.stringify(helper)} in ${namedIn} is not the name of a credential helper`, {
      fix: `Correct ${namedIn}: of docker-credential-NAME, the NAME.`,
      details: { path: namedIn },
    });
  return `docker-credential-${helper}`;
}

export async function askHelper(system: System, { helper, namedIn }: NamedHelper, server: string): Promise<Credentials | undefined> {
  const program = credentialProgram(helper, namedIn);
  const result = await system.processes.run(program, ['get'], { input: server, timeoutMs: 30_000, maxOutputBytes: 64 * 1024 });
  // By the helpers' protocol "not found" is a failure too, told apart only by its text: having none is the safe reading of both.
  if (result.code !== 0) return undefined;
  let answer: unknown;
  try {
    answer = JSON.parse(result.stdout);
  } catch (error) {
    throw new EngineError('corrupt', `${program} did not answer with JSON`, { cause: error });
  }
  const parsed = v.safeParse(helperAnswer, answer);
  if (!parsed.success) throw new EngineError('corrupt', `${program} answered without Username and Secret`);
  const { Username: username, Secret: secret } = parsed.output;
  if (username === '' && secret === '') return undefined;
  return username === '<token>'
    ? { username: '', password: '', identityToken: secret, source: program }
    : { username, password: secret, identityToken: undefined, source: program };
}

async function findInFile(
  lookup: CredentialLookup,
  file: AuthFile,
  path: string,
  keys: readonly string[],
): Promise<Credentials | undefined> {
  const { system } = lookup;
  for (const key of keys) {
    const helper = Object.entries(file.credHelpers).find(([name]) => normaliseKey(name) === key)?.[1];
    if (helper !== undefined) return askHelper(system, { helper, namedIn: path }, key);
  }
  const auths = Object.entries(file.auths);
  for (const key of keys) {
    for (const [name, entry] of auths) {
      if (normaliseKey(name) !== key || !entry) continue;
      const credentials = decodeAuth(entry.auth, entry.identitytoken, path);
      if (credentials) return credentials;
    }
  }
  const store = file.credsStore;
  const host = keys.find((key) => !key.includes('/'));
  if (store === '' || host === undefined) return undefined;
  return askHelper(system, { helper: store, namedIn: path }, host === 'docker.io' ? 'https://index.docker.io/v1/' : host);
}

/** The most specific credentials for a repository, or undefined. Errors: `corrupt`, `invalid-argument`, `missing-tool` for a helper. */
export async function findCredentials(lookup: CredentialLookup, registry: string, repository: string): Promise<Credentials | undefined> {
  const keys = keysFor(registry, repository);
  const { paths, required } = authFilePaths(lookup);
  const helpers = lookup.helpers.length === 0 ? ['containers-auth.json'] : lookup.helpers;
  for (const helper of helpers) {
    if (helper !== 'containers-auth.json') {
      const found = await askHelper(lookup.system, { helper, namedIn: registriesConf }, registry);
      if (found) return found;
      continue;
    }
    for (const path of paths) {
      const file = readAuthFile(path, required);
      const found = file && (await findInFile(lookup, file, path, keys));
      if (found) return found;
    }
  }
  return undefined;
}
