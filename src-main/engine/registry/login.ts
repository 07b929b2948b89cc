import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import { parseReference, type Registries } from '../reference/reference.ts';
import { type CredentialLookup, type Credentials, authFilePaths, findCredentials, registriesConf } from './auth-file.ts';
import { CredentialFile, eraseInHelper, storeInHelper } from './credential-file.ts';
import { HostSession } from './host-session.ts';
import { type Limits, defaultLimits } from './limits.ts';
import { Transport } from './transport.ts';

/** How a registry is spoken to, and which credentials are used for it. */
export interface RegistryAccess {
  readonly system: System;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly registries: Registries;
  readonly authFile: string | undefined;
  /** In the form of Docker's config.json: read and written instead of auth.json. */
  readonly compatAuthFile: string | undefined;
  readonly certDirectory: string | undefined;
  readonly tlsVerify: boolean | undefined;
  /** For the locks of credential files. */
  readonly runRoot: string;
  readonly limits?: Partial<Limits>;
  readonly signal?: AbortSignal;
}

/** What credentials are kept for: a registry, or a part of one. */
export interface LoginKey {
  readonly key: string;
  readonly registry: string;
  readonly repository: string;
}

/** `https://reg.example/path/` is reg.example/path; nothing is the first registry that short names are searched in. */
export function parseLoginKey(text: string, registries: Registries): LoginKey {
  const typed = text === '' ? registries.unqualifiedSearch[0] : text;
  if (typed === undefined)
    throw new EngineError('invalid-argument', 'no registries found in registries.conf, a registry must be provided', {
      fix: 'Name the registry.',
    });
  const key = typed.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const [registry = '', ...path] = key.split('/');
  if (
    !/^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/.test(registry) ||
    !/^[a-zA-Z0-9._/-]*$/.test(path.join('/'))
  )
    throw new EngineError('invalid-argument', `${JSON.stringify(text.slice(0, 200))} is not the name of a registry`, {
      fix: 'Write host, host:port or host/path.',
      details: { field: 'registry' },
    });
  return { key, registry, repository: path.join('/') };
}

export async function storedCredentials(access: RegistryAccess, { registry, repository }: LoginKey): Promise<Credentials | undefined> {
  const lookup = toLookup(access);
  const { paths, required } = authFilePaths(lookup);
  // One that login is about to make.
  if (required && !existsSync(paths[0] ?? '')) return undefined;
  return findCredentials(lookup, registry, repository);
}

/** Asks the registry. `unauthorized` when it refuses them; else what kept it from answering. */
export async function checkLogin(access: RegistryAccess, { registry }: LoginKey, credentials: Credentials): Promise<void> {
  await using transport = openTransport(access);
  const session = openHostSession(access, transport, registry, credentials);
  const response = await session.get('/v2/', '');
  if (response.status === 200) await response.discard();
  else throw await session.toError(response, 'the login');
}

/** Answers the file or the helper that has them now. */
export async function storeCredentials(access: RegistryAccess, { key }: LoginKey, username: string, password: string): Promise<string> {
  if (access.registries.credentialHelpers.length === 0 || access.compatAuthFile !== undefined)
    return ownFile(access).store(key, username, password);
  const failures: string[] = [];
  for (const helper of access.registries.credentialHelpers) {
    try {
      if (helper === 'containers-auth.json') return await ownFile(access).store(key, username, password);
      await storeInHelper(access.system, { helper, namedIn: registriesConf }, key, username, password);
      return `docker-credential-${helper}`;
    } catch (error) {
      // As containers/image: the next one of the list may be able to.
      if (!isEngineError(error)) throw error;
      failures.push(error.message);
    }
  }
  throw new EngineError('unavailable', `no credential helper took the credentials for ${key}: ${failures.join('; ')}`, {
    fix: 'Correct credential-helpers in registries.conf.',
  });
}

/** Answers whether there were any. */
export async function forgetCredentials(access: RegistryAccess, { key }: LoginKey): Promise<boolean> {
  const stored = await storedInHelpers(access, key);
  return (await ownFile(access).remove(key)) || stored;
}

async function storedInHelpers(access: RegistryAccess, key: string): Promise<boolean> {
  let erased = false;
  if (access.compatAuthFile !== undefined) return false;
  for (const helper of access.registries.credentialHelpers)
    if (helper !== 'containers-auth.json')
      erased = (await eraseInHelper(access.system, { helper, namedIn: registriesConf }, key)) || erased;
  return erased;
}

export function forgetAllCredentials(access: RegistryAccess): Promise<void> {
  return ownFile(access).removeAll();
}

export function openTransport(access: RegistryAccess): Transport {
  return new Transport(
    { ...defaultLimits, ...access.limits },
    { certDirectory: access.certDirectory, homeDirectory: access.system.identity.homeDirectory, environment: access.environment },
  );
}

export function openHostSession(
  access: RegistryAccess,
  transport: Transport,
  registry: string,
  credentials: Credentials | undefined,
): HostSession {
  const { system, registries, tlsVerify, signal } = access;
  const configured = registries.pullSources(parseReference(`${registry}/login`)).at(-1)?.insecure === true;
  return new HostSession({
    transport,
    registry,
    insecure: tlsVerify === undefined ? configured : !tlsVerify,
    credentials,
    signal,
    nowMs: () => system.clock.nowMs(),
  });
}

export function toLookup({ system, environment, registries, authFile, compatAuthFile }: RegistryAccess): CredentialLookup {
  return {
    system,
    environment,
    authFile: compatAuthFile ?? authFile,
    helpers: compatAuthFile === undefined ? registries.credentialHelpers : [],
  };
}

/** The first file of those that are asked is the one that is written; Docker's comes last and is not ours. */
function ownFile(access: RegistryAccess): CredentialFile {
  const [path = ''] = authFilePaths(toLookup(access)).paths;
  const lock = createHash('sha256').update(path).digest('hex');
  return new CredentialFile(path, {
    system: access.system,
    dockerForm: access.compatAuthFile !== undefined,
    lockPath: join(access.runRoot, 'locks/credentials', lock),
  });
}
