import { EngineError, isEngineError } from '../../base/errors.ts';
import type { EngineHandlers } from '../../contract/engine.ts';
import { loadRegistries } from '../reference/reference.ts';
import type { LoginKey, RegistryAccess } from '../registry/registry.ts';
import type { Rooms } from './rooms.ts';

interface AccessInput {
  readonly authFile?: string | undefined;
  readonly compatAuthFile?: string | undefined;
  readonly certDirectory?: string | undefined;
  readonly tlsVerify?: boolean | undefined;
}

// Loaded when it is needed: few commands speak to a registry.
const room = () => import('../registry/registry.ts');

export function registryHandlers(rooms: Rooms): EngineHandlers['registry'] {
  return {
    async logins(input) {
      const { listLogins } = await room();
      return listLogins(toAccess(rooms, input));
    },

    async credentials({ registry, ...input }) {
      const { parseLoginKey, storedCredentials } = await room();
      const access = toAccess(rooms, input);
      const key = parseLoginKey(registry, access.registries);
      const found = await storedCredentials(access, key);
      return {
        key: key.key,
        username: found?.username ?? '',
        hasPassword: (found?.password ?? '') !== '',
        hasToken: found?.identityToken !== undefined,
      };
    },

    async login({ registry, user, ...input }, { signal }) {
      const { checkLogin, parseLoginKey, storeCredentials, storedCredentials } = await room();
      const access = toAccess(rooms, input, signal);
      const key = parseLoginKey(registry, access.registries);
      const given = user && { username: user.name, password: user.password, identityToken: undefined, source: 'the login' };
      const credentials = given ?? (await storedCredentials(access, key));
      if (!credentials) throw notLoggedIn(key);
      try {
        await checkLogin(access, key, credentials);
      } catch (error) {
        throw explain(error, key);
      }
      return { key: key.key, storedIn: user ? await storeCredentials(access, key, user.name, user.password) : '' };
    },

    async logout({ registry, all, ...input }) {
      const { forgetAllCredentials, forgetCredentials, parseLoginKey, storedCredentials } = await room();
      const access = toAccess(rooms, input);
      if (all) {
        await forgetAllCredentials(access);
        return { key: '' };
      }
      const key = parseLoginKey(registry, access.registries);
      if (await forgetCredentials(access, key)) return { key: key.key };
      const other = await storedCredentials(access, key);
      if (!other) throw notLoggedIn(key);
      return { key: key.key, foreignFile: other.source };
    },

    async search({ term, limit, listTags, filters, ...input }, { signal }) {
      const { searchImages } = await room();
      return searchImages(toAccess(rooms, input, signal), term, { limit, listTags, filters });
    },
  };
}

function toAccess({ system, config }: Rooms, input: AccessInput, signal?: AbortSignal): RegistryAccess {
  const { homeDirectory, rootless } = system.identity;
  if (input.authFile !== undefined && input.compatAuthFile !== undefined)
    throw new EngineError('invalid-argument', 'options --authfile and --compat-auth-file cannot be set simultaneously');
  return {
    system,
    environment: process.env,
    registries: loadRegistries({ homeDirectory, rootless, environment: process.env }),
    authFile: input.authFile,
    compatAuthFile: input.compatAuthFile,
    certDirectory: input.certDirectory,
    tlsVerify: input.tlsVerify,
    runRoot: config.runRoot,
    ...(signal === undefined ? {} : { signal }),
  };
}

function notLoggedIn({ key }: LoginKey): EngineError {
  return new EngineError('not-found', `not logged into ${key}`);
}

function explain(error: unknown, { key }: LoginKey): unknown {
  if (!isEngineError(error)) return error;
  if (error.code === 'unauthorized')
    return new EngineError('unauthorized', `logging into "${key}": invalid username/password`, {
      fix: 'Check user and password.',
      cause: error,
    });
  return error.within(`authenticating creds for "${key}"`);
}
