/** Where credentials are, and how far a registry is trusted: the same words for every command that speaks to one. */
import { resolve } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import type { Context } from '../context.ts';
import { flagTable, type FlagValues } from './flags.ts';

export const credentialFlags = flagTable({
  authfile: { kind: 'string', word: 'path', help: 'File with credentials; REGISTRY_AUTH_FILE names another one than the usual' },
  'compat-auth-file': { kind: 'string', word: 'path', help: "File in the form of Docker's config.json, used instead" },
});

export const tlsFlags = flagTable({
  'cert-dir': { kind: 'string', word: 'path', help: 'Folder with certificates' },
  'tls-verify': { kind: 'bool', help: 'Require HTTPS and a certificate that can be trusted', default: 'true' },
});

/** Of one transfer, with credentials given on the command line. */
export const accessFlags = flagTable({
  authfile: { kind: 'string', word: 'path', help: 'File with credentials' },
  'cert-dir': { kind: 'string', word: 'path', help: 'Folder with certificates' },
  creds: { kind: 'string', word: 'user:password', help: 'Credentials for the registry' },
  'tls-verify': { kind: 'bool', help: 'Require HTTPS and a certificate that can be trusted', default: 'true' },
});

function checkCredentials({ creds }: FlagValues<Pick<typeof accessFlags, 'creds'>>): void {
  if (creds !== undefined && !creds.includes(':'))
    throw new EngineError('invalid-argument', '--creds needs a user and a password', { fix: 'write --creds user:password' });
}

/** Paths become absolute. */
export function toAccess(flags: FlagValues<typeof accessFlags>, context: Context) {
  checkCredentials(flags);
  const absolute = (path: string): string => resolve(context.workingDirectory, path);
  return {
    ...(flags['tls-verify'] === undefined ? {} : { tlsVerify: flags['tls-verify'] }),
    ...(flags.creds === undefined ? {} : { credentials: flags.creds }),
    ...(flags.authfile === undefined ? {} : { authFile: absolute(flags.authfile) }),
    ...(flags['cert-dir'] === undefined ? {} : { certDirectory: absolute(flags['cert-dir']) }),
  };
}

interface Values {
  readonly authfile?: string | undefined;
  readonly 'compat-auth-file'?: string | undefined;
  readonly 'cert-dir'?: string | undefined;
  readonly 'tls-verify'?: boolean | undefined;
}

/** Paths become absolute. */
export function registryAccess(flags: Values, context: Context) {
  if (flags.authfile !== undefined && flags['compat-auth-file'] !== undefined)
    throw new EngineError('invalid-argument', 'options --authfile and --compat-auth-file cannot be set simultaneously');
  const absolute = (path: string): string => resolve(context.workingDirectory, path);
  return {
    ...(flags.authfile === undefined ? {} : { authFile: absolute(flags.authfile) }),
    ...(flags['compat-auth-file'] === undefined ? {} : { compatAuthFile: absolute(flags['compat-auth-file']) }),
    ...(flags['cert-dir'] === undefined ? {} : { certDirectory: absolute(flags['cert-dir']) }),
    ...(flags['tls-verify'] === undefined ? {} : { tlsVerify: flags['tls-verify'] }),
  };
}
