/** OpenPGP by the host's gpg (gpg(1); its machine-readable answers: GnuPG's doc/DETAILS, "Format of the --status-fd output"). */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';
import type { KeyFile } from './requirement.ts';

export interface Keyring extends AsyncDisposable {
  /** The signed document. Throws `denied`, `corrupt`, `cancelled`, `timeout`. */
  verify(signature: Buffer): Promise<Buffer>;
}

interface Status {
  readonly word: string;
  readonly rest: readonly string[];
}

const largestPayloadBytes = 1024 * 1024;
const timeoutMs = 60_000;
/** It may neither ask a person, nor start an agent, nor reach out, nor care for anybody's trust. */
const quietly = [
  '--batch',
  '--no-tty',
  '--no-options',
  '--no-autostart',
  '--disable-dirmngr',
  '--trust-model',
  'always',
  '--status-fd',
  '1',
];

const missing = {
  fix: 'Install gpg (Debian and Ubuntu: apt install gpg; Fedora: dnf install gnupg2).',
};

function requireGpg({ processes }: System, what: string): string {
  const found = processes.find('gpg') ?? processes.find('gpg2');
  if (found === undefined) throw new EngineError('missing-tool', `${what} needs gpg, which is not installed`, missing);
  return found;
}

function parseStatus(output: string): Status[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('[GNUPG:] ')) return [];
    const [word = '', ...rest] = line.slice('[GNUPG:] '.length).trim().split(' ');
    return [{ word, rest }];
  });
}

/** The last thing that gpg said, without what a hostile key may have put into it. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('gpg: '));
  return (lines.at(-1) ?? 'gpg says nothing more')
    .replace(/^gpg: /, '')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
    .slice(0, 200);
}

/**
 * A keyring of exactly these keys in a folder of its own, which goes with it. Errors: `missing-tool` (gpg), `denied` (no keys in them).
 */
export async function openKeyring(system: System, keys: readonly KeyFile[], signal: AbortSignal | undefined): Promise<Keyring> {
  const gpg = requireGpg(system, 'verifying signatures (signedBy)');
  const home = mkdtempSync(join(tmpdir(), 'selkie-keyring-'));
  const run = (args: readonly string[]): ReturnType<System['processes']['run']> =>
    system.processes.run(gpg, ['--homedir', home, ...quietly, ...args], {
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  const keyring: Keyring = {
    async verify(signature) {
      const input = join(home, 'signature');
      const output = join(home, 'payload');
      writeFileSync(input, signature, { mode: 0o600 });
      // Compressed messages may be bombs.
      const { code, stdout, stderr } = await run([
        '--yes',
        '--max-output',
        String(largestPayloadBytes),
        '--output',
        output,
        '--decrypt',
        input,
      ]);
      checkStatus(parseStatus(stdout), code, stderr);
      return readFileSync(output);
    },
    [Symbol.asyncDispose]: () => system.files.removeTree(home),
  };
  try {
    for (const [index, { name, bytes }] of keys.entries()) {
      const file = join(home, `key-${String(index)}`);
      writeFileSync(file, bytes, { mode: 0o600 });
      const { stdout, stderr } = await run(['--import', file]);
      if (!parseStatus(stdout).some(({ word }) => word === 'IMPORT_OK'))
        throw new EngineError('denied', `${name} holds no OpenPGP key: ${lastWords(stderr)}`, {
          fix: 'Give the public key as gpg --export writes it.',
        });
    }
    return keyring;
  } catch (error) {
    await keyring[Symbol.asyncDispose]();
    throw error;
  }
}

/** What is not one good signature around one document; the first that is there is told. */
const complaints: Readonly<Record<string, (key: string) => string>> = {
  BADSIG: (key) => `it does not fit what it signs (key ${key})`,
  EXPSIG: (key) => `it has expired (key ${key})`,
  EXPKEYSIG: (key) => `the key ${key} has expired`,
  REVKEYSIG: (key) => `the key ${key} was revoked`,
  ERRSIG: (key) => `it is by the key ${key}, which the policy does not name, or of a kind that gpg cannot check`,
  NODATA: () => 'it is no OpenPGP message',
};

function checkStatus(statuses: readonly Status[], code: number, stderr: string): void {
  for (const { word, rest } of statuses) {
    const complaint = Object.hasOwn(complaints, word) ? complaints[word] : undefined;
    if (complaint) throw new EngineError('denied', complaint((rest[0] ?? '').replaceAll(/[^0-9A-Fa-f]/g, '').slice(0, 40)));
  }
  // A message may hold several documents or signatures; which of them belong together nobody can say from here.
  for (const word of ['GOODSIG', 'VALIDSIG', 'PLAINTEXT'])
    if (statuses.filter((status) => status.word === word).length !== 1)
      throw new EngineError('denied', `it is not one signature around one document: ${lastWords(stderr)}`);
  if (code !== 0) throw new EngineError('denied', `gpg does not take it: ${lastWords(stderr)}`);
}

export interface GpgSigner {
  sign(payload: Buffer): Promise<Buffer>;
}

/** By a secret key of the user's own keyring (GNUPGHOME). Errors of sign: `missing-tool`, `not-found` (no such key), `unauthorized` (passphrase). */
export function gpgSigner(
  system: System,
  options: {
    readonly key: string;
    readonly passphrase: string | undefined;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal | undefined;
  },
): GpgSigner {
  const gpg = requireGpg(system, 'signing (--sign-by)');
  const { key, passphrase, signal } = options;
  const environment = Object.fromEntries(
    Object.entries(options.environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return {
    async sign(payload) {
      const folder = mkdtempSync(join(tmpdir(), 'selkie-sign-'));
      try {
        const input = join(folder, 'payload');
        const output = join(folder, 'signature');
        writeFileSync(input, payload, { mode: 0o600 });
        const loopback = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '0'];
        const args = ['--batch', '--no-tty', '--status-fd', '1', ...loopback, '--compress-algo', 'none', '--local-user', key];
        const { code, stdout, stderr } = await system.processes.run(gpg, [...args, '--output', output, '--sign', input], {
          environment,
          input: passphrase === undefined ? '' : `${passphrase}\n`,
          timeoutMs,
          ...(signal === undefined ? {} : { signal }),
        });
        if (code === 0) return readFileSync(output);
        throw signFailure(key, parseStatus(stdout), stderr);
      } finally {
        await system.files.removeTree(folder);
      }
    },
  };
}

function signFailure(key: string, statuses: readonly Status[], stderr: string): EngineError {
  if (statuses.some(({ word }) => word === 'INV_SGNR'))
    return new EngineError('not-found', `cannot sign by ${JSON.stringify(key)}: there is no such secret key that can sign`, {
      fix: 'gpg --list-secret-keys shows those that there are; GNUPGHOME says where they are.',
      details: { field: 'signBy' },
    });
  if (/bad passphrase|no passphrase|no pinentry|inappropriate ioctl|no secret key/i.test(stderr))
    return new EngineError('unauthorized', `cannot sign by ${JSON.stringify(key)}: its passphrase is missing or wrong`, {
      fix: 'Give it with --sign-passphrase-file.',
      details: { field: 'signPassphraseFile' },
    });
  return new EngineError('unavailable', `cannot sign by ${JSON.stringify(key)}: ${lastWords(stderr)}`);
}

/** The mail addresses (else names) of the keys in a file, as Podman shows them; empty for one that cannot be read. */
export async function keyIdentities(system: System, file: string): Promise<string[]> {
  const gpg = system.processes.find('gpg') ?? system.processes.find('gpg2');
  if (gpg === undefined) return [];
  const home = mkdtempSync(join(tmpdir(), 'selkie-keyring-'));
  try {
    const args = ['--homedir', home, '--batch', '--no-tty', '--no-options', '--no-autostart', '--with-colons', '--show-keys', '--', file];
    const { stdout } = await system.processes.run(gpg, args, { timeoutMs });
    const names = stdout.split('\n').flatMap((line) => (line.startsWith('uid:') ? [line.split(':')[9] ?? ''] : []));
    return names.map((name) => /<([^<>]+)>\s*$/.exec(name)?.[1] ?? name);
  } finally {
    await system.files.removeTree(home);
  }
}
