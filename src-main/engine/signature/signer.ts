/** Makes signatures, with a key that was found usable before anything is sent. */
import { type KeyObject, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { build } from '../../base/version.ts';
import { EngineError, messageOf } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { ImageSignature } from './format.ts';
import { gpgSigner } from './gpg.ts';
import { makePayload } from './payload.ts';
import { checkKey, signSigstore } from './sigstore.ts';

export interface SignerOptions {
  /** A fingerprint, an id or a mail address of a secret key that gpg has. */
  readonly signBy?: string | undefined;
  /** A PEM file. */
  readonly sigstorePrivateKey?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Signer {
  readonly kinds: ReadonlySet<ImageSignature['kind']>;
  /** One by each key. `name`: with tag, as it will be pulled by. */
  sign(digest: Digest, name: string): Promise<ImageSignature[]>;
}

/** Undefined when no key is given. Errors: `invalid-argument`, `not-found`, `unauthorized`, `unsupported`, `missing-tool`. */
export async function openSigner(system: System, options: SignerOptions): Promise<Signer | undefined> {
  const { signBy, sigstorePrivateKey, environment, signal } = options;
  const passphrase = options.passphraseFile === undefined ? undefined : readPassphrase(options.passphraseFile);
  if (signBy === undefined && sigstorePrivateKey === undefined) {
    if (passphrase === undefined) return undefined;
    throw new EngineError('invalid-argument', 'a passphrase file is given, and nothing to sign with', {
      details: { field: 'signPassphraseFile' },
    });
  }
  if (signBy !== undefined && sigstorePrivateKey !== undefined && passphrase !== undefined)
    throw new EngineError('invalid-argument', 'one passphrase file cannot be for two keys: only one of them can be given with it', {
      details: { field: 'signPassphraseFile' },
    });
  const gpg = signBy === undefined ? undefined : gpgSigner(system, { key: signBy, passphrase, environment, signal });
  const key = sigstorePrivateKey === undefined ? undefined : readPrivateKey(sigstorePrivateKey, passphrase);
  const creator = `selkie ${build.version}`;
  const kinds = new Set<ImageSignature['kind']>([...(gpg ? (['simple'] as const) : []), ...(key ? (['sigstore'] as const) : [])]);
  // A key that cannot sign is told before anything was sent.
  if (gpg) await gpg.sign(Buffer.from('{}'));
  return {
    kinds,
    async sign(digest, reference) {
      const seconds = Math.floor(system.clock.nowMs() / 1000);
      const made: ImageSignature[] = [];
      if (gpg) made.push({ kind: 'simple', bytes: await gpg.sign(makePayload('simple', { digest, reference }, creator, seconds)) });
      if (key) made.push(signSigstore(makePayload('sigstore', { digest, reference }, creator, seconds), key));
      return made;
    },
  };
}

/** Its first line, as Podman takes it. */
function readPassphrase(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw new EngineError('not-found', `cannot read the passphrase file ${path}: ${messageOf(error)}`, {
      details: { field: 'signPassphraseFile' },
      cause: error,
    });
  }
}

const field = { details: { field: 'signBySigstorePrivateKey' } };

function readPrivateKey(path: string, passphrase: string | undefined): KeyObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new EngineError('not-found', `cannot read the private key ${path}: ${messageOf(error)}`, { ...field, cause: error });
  }
  if (/-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/.test(text))
    throw new EngineError(
      'unsupported',
      `the private key ${path} is encrypted in cosign's own way (NaCl secretbox), which Node cannot decrypt`,
      {
        ...field,
        fix: "Give a key in PKCS #8 (-----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----), as 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256' makes it.",
      },
    );
  if (text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') && passphrase === undefined)
    throw new EngineError('unauthorized', `the private key ${path} is encrypted`, {
      ...field,
      fix: 'Give its passphrase with --sign-passphrase-file.',
    });
  try {
    return checkKey(createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) }), path);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError('unauthorized', `the private key ${path} is no private key in PEM, or its passphrase is wrong`, {
      ...field,
      cause: error,
    });
  }
}
