import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { credentialFlags, registryAccess, tlsFlags } from '../options/registry-access.ts';
import { print } from '../output/print.ts';
import { askLine, askSecret, readSecret } from '../prompt.ts';

type Access = ReturnType<typeof registryAccess>;

interface Given {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

async function givenBy(flags: {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly 'password-stdin'?: boolean | undefined;
}): Promise<Given> {
  const { username, password } = flags;
  if (flags['password-stdin'] !== true) return { username, password };
  if (password !== undefined) throw new EngineError('invalid-argument', "can't specify both --password-stdin and --password");
  if (username === undefined) throw new EngineError('invalid-argument', 'must provide --username with --password-stdin');
  return { username, password: await readSecret() };
}

/** Answers whether what is kept already is good. */
async function triedKept(api: EngineClient, registry: string, key: string, access: Access, signal: AbortSignal): Promise<boolean> {
  await print(`Authenticating with existing credentials for ${key}\n`);
  try {
    await api.registry.login({ ...access, registry }, { signal });
    await print(`Existing credentials are valid. Already logged in to ${key}\n`);
    return true;
  } catch (error) {
    if (!isEngineError(error, 'unauthorized')) throw error;
    await print('Existing credentials are invalid, please enter valid username and password\n');
    return false;
  }
}

async function ask(given: Given, kept: string, context: Context): Promise<{ name: string; password: string }> {
  const typed = given.username ?? (await askLine(kept === '' ? 'Username: ' : `Username (${kept}): `));
  if (typed === undefined)
    throw new EngineError('invalid-argument', 'getting username and password: reading username: EOF', {
      fix: 'give --username and --password-stdin',
    });
  const name = typed.trim() === '' ? kept : typed.trim();
  if (name === '') throw new EngineError('invalid-argument', 'a user name is needed', { fix: 'give --username' });
  return { name, password: given.password ?? (await askSecret('Password: ', context)) };
}

export const login = command({
  name: 'login',
  usage: '[options] [REGISTRY]',
  description: 'Log in to a registry: user and password are tried there, and kept in auth.json when it takes them.',
  examples: [
    'login registry.example.com',
    'login --username me --password-stdin registry.example.com < token',
    'login --get-login registry.example.com',
  ],
  flags: flagTable({
    ...credentialFlags,
    ...tlsFlags,
    'get-login': { kind: 'bool', help: 'Tell who is logged in, and do nothing' },
    password: { kind: 'string', short: 'p', help: 'Password; others on this machine may see it' },
    'password-stdin': { kind: 'bool', help: 'Take the password from stdin' },
    username: { kind: 'string', short: 'u', help: 'User name' },
    verbose: { kind: 'bool', short: 'v', help: 'Tell where the credentials are kept' },
  }),
  unsupported: { secret: '' },
  arguments: [0, 1],
  async run({ flags, positionals: [registry = ''] }, context) {
    const access = registryAccess(flags, context);
    const api = await context.engine();
    const kept = await api.registry.credentials({ ...access, registry });
    if (flags['get-login'] === true) {
      if (kept.username === '') throw new EngineError('not-found', `not logged into ${kept.key}`);
      await print(`${kept.username}\n`);
      return 0;
    }
    if (kept.hasToken)
      throw new EngineError('wrong-state', 'currently logged in, auth file contains an Identity token', {
        fix: `log out first: selkie logout ${kept.key}`,
      });
    const given = await givenBy(flags);
    const nothingGiven = given.username === undefined && given.password === undefined;
    if (nothingGiven && kept.username !== '' && kept.hasPassword && (await triedKept(api, registry, kept.key, access, context.signal)))
      return 0;
    const user = await ask(given, kept.username, context);
    const { storedIn } = await api.registry.login({ ...access, registry, user }, { signal: context.signal });
    if (flags.verbose === true) await print(`Used:  ${storedIn}\n`);
    await print('Login Succeeded!\n');
    return 0;
  },
});

export const logout = command({
  name: 'logout',
  usage: '[options] [REGISTRY]',
  description: 'Forget the credentials for a registry.',
  examples: ['logout registry.example.com', 'logout --all'],
  flags: flagTable({
    ...credentialFlags,
    all: { kind: 'bool', short: 'a', help: 'All registries of the file' },
  }),
  arguments: [0, 1],
  async run({ flags, positionals: [registry] }, context) {
    const access = registryAccess(flags, context);
    const all = flags.all === true;
    if (all && registry !== undefined) throw new EngineError('invalid-argument', '--all takes no arguments');
    const api = await context.engine();
    const { key, foreignFile } = await api.registry.logout({ ...access, registry: registry ?? '', all });
    if (all) await print('Removed login credentials for all registries\n');
    else if (foreignFile === undefined) await print(`Removed login credentials for ${key}\n`);
    else
      await print(
        `Not logged into ${key} with current tool. Existing credentials were established via docker login. Please use docker logout instead.\n`,
      );
    return 0;
  },
});
