/** Certificates for one registry: containers-certs.d(5), on top of the system's authorities. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type SecureContext, createSecureContext, rootCertificates } from 'node:tls';
import { EngineError, messageOf } from '../../base/errors.ts';

export interface CertificateFolders {
  /** --cert-dir: used alone, for every registry. */
  readonly certDirectory: string | undefined;
  readonly homeDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where distributions keep the authorities that Go programs, Podman among them, trust. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

function systemAuthorities(environment: Readonly<Record<string, string | undefined>>): string[] {
  const named = environment['SSL_CERT_FILE'] ?? '';
  const bundle = (named === '' ? systemBundles : [named]).find((path) => existsSync(path));
  const authorities = bundle === undefined ? [...rootCertificates] : [readFileSync(bundle, 'utf8')];
  const extra = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  return extra !== '' && existsSync(extra) ? [...authorities, readFileSync(extra, 'utf8')] : authorities;
}

/** The folder that counts for a host: the first that exists, the user's before the system's. */
export function certificateFolder(folders: CertificateFolders, host: string): string | undefined {
  if (folders.certDirectory !== undefined) {
    if (!existsSync(folders.certDirectory))
      throw new EngineError('not-found', `the certificate folder ${folders.certDirectory} does not exist`, {
        details: { field: 'certDirectory' },
      });
    return folders.certDirectory;
  }
  return [join(folders.homeDirectory, '.config/containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d']
    .map((folder) => join(folder, host))
    .find((folder) => existsSync(folder));
}

export function hasClientCertificate(folders: CertificateFolders, host: string): boolean {
  const folder = certificateFolder(folders, host);
  return folder !== undefined && readdirSync(folder).some((name) => name.endsWith('.cert'));
}

function readFolder(folder: string): {
  readonly authorities: string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
} {
  const names = readdirSync(folder).sort();
  const authorities = names.filter((name) => name.endsWith('.crt')).map((name) => readFileSync(join(folder, name), 'utf8'));
  const certName = names.find((name) => name.endsWith('.cert'));
  if (certName === undefined) {
    const lone = names.find((name) => name.endsWith('.key'));
    if (lone !== undefined)
      throw new EngineError('corrupt', `${join(folder, lone)} has no certificate ${lone.replace(/key$/, 'cert')} beside it`);
    return { authorities, cert: undefined, key: undefined };
  }
  const keyName = certName.replace(/cert$/, 'key');
  if (!names.includes(keyName)) throw new EngineError('corrupt', `${join(folder, certName)} has no key ${keyName} beside it`);
  return { authorities, cert: readFileSync(join(folder, certName), 'utf8'), key: readFileSync(join(folder, keyName), 'utf8') };
}

/**
 * Errors: `corrupt` naming the folder when its files are no certificates.
 * @param verify without it no authorities are needed, and taking the system's in takes longer than all else
 */
export function secureContextFor(folders: CertificateFolders, host: string, verify: boolean): SecureContext {
  const folder = certificateFolder(folders, host);
  const ca = verify ? systemAuthorities(folders.environment) : [];
  try {
    if (folder === undefined) return createSecureContext({ ca });
    const { authorities, cert, key } = readFolder(folder);
    return createSecureContext({ ca: [...ca, ...authorities], ...(cert === undefined ? {} : { cert, key }) });
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError('corrupt', `cannot use the certificates in ${folder ?? 'the system store'}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
