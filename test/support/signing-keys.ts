/** Keys of a test's own: no keyring of a person is touched, and no agent is left. */
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hasGpg = existsSync('/usr/bin/gpg');

export class GpgKeys implements Disposable {
  /** GNUPGHOME; short, since the agent's socket lies in it. */
  readonly home = mkdtempSync('/tmp/selkie-gpg-');

  /** `expires` as gpg takes it: never, 1d, or a time in the past with `at`. Answers the fingerprint. */
  generate(mail: string, options: { readonly expires?: string; readonly at?: string; readonly passphrase?: string } = {}): string {
    const clock = options.at === undefined ? [] : ['--faked-system-time', options.at];
    const { passphrase = '', expires = 'never' } = options;
    this.gpg(
      ...clock,
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      passphrase,
      '--quick-generate-key',
      `Test <${mail}>`,
      'ed25519',
      'sign',
      expires,
    );
    const line = this.gpg('--with-colons', '--list-keys', mail)
      .split('\n')
      .find((one) => one.startsWith('fpr:'));
    return line?.split(':')[9] ?? '';
  }

  /** The public key, in a file. */
  export(mail: string, path: string): string {
    writeFileSync(path, this.gpg('--armor', '--export', mail));
    return path;
  }

  /** An OpenPGP message around a document. */
  sign(document: string | Buffer, mail: string, ...args: readonly string[]): Buffer {
    return execFileSync('gpg', ['--homedir', this.home, '--batch', '--yes', ...args, '--local-user', mail, '--sign'], {
      input: document,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  gpg(...args: readonly string[]): string {
    return execFileSync('gpg', ['--homedir', this.home, '--batch', '--yes', '--quiet', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  [Symbol.dispose](): void {
    spawnSync('gpgconf', ['--homedir', this.home, '--kill', 'all']);
    rmSync(this.home, { recursive: true, force: true });
  }
}

interface KeyPair {
  readonly privateFile: string;
  readonly publicFile: string;
}

/** PEM files, as openssl makes them. */
export function makeKeyPair(directory: string, name: string, type: 'ec' | 'rsa' | 'ed25519' = 'ec'): KeyPair {
  mkdirSync(directory, { recursive: true });
  const { privateKey, publicKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
  const files = { privateFile: join(directory, `${name}.key`), publicFile: join(directory, `${name}.pub`) };
  writeFileSync(files.privateFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(files.publicFile, publicKey.export({ type: 'spki', format: 'pem' }));
  return files;
}
