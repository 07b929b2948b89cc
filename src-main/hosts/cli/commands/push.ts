import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError } from '../../../base/errors.ts';
import { toEngineError } from '../../../system/errno.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { flagTable } from '../options/flags.ts';
import { progressDisplay } from '../output/progress.ts';

type SaveFormat = 'docker-archive' | 'oci-archive' | 'oci-dir' | 'docker-dir';

interface LocalDestination {
  readonly format: SaveFormat;
  readonly path: string;
  readonly name: string | undefined;
}

const localTransports: Readonly<Record<string, SaveFormat>> = {
  'docker-archive': 'docker-archive',
  'oci-archive': 'oci-archive',
  oci: 'oci-dir',
  dir: 'docker-dir',
};
/** Of containers-transports(5): those that lead to other programs' stores. */
const otherTransports = ['containers-storage', 'docker-daemon', 'ostree', 'sif', 'tarball'];

/** `transport:path[:name]` for an archive or a folder; undefined for a registry. */
export function parseLocalDestination(text: string): LocalDestination | undefined {
  const [, transport = '', rest = ''] = /^([a-z-]+):(?!\/\/)(.*)$/s.exec(text) ?? [];
  if (otherTransports.includes(transport))
    throw new EngineError('unsupported', `selkie does not push to ${transport}:`, {
      fix: 'Push to a registry, or to docker-archive:, oci-archive:, oci: or dir:.',
    });
  const format = Object.hasOwn(localTransports, transport) ? localTransports[transport] : undefined;
  if (format === undefined) return undefined;
  const colon = format === 'docker-dir' ? -1 : rest.indexOf(':');
  const path = colon === -1 ? rest : rest.slice(0, colon);
  if (path === '') throw new EngineError('invalid-argument', `${JSON.stringify(text)} names no path`);
  return { format, path, name: colon === -1 ? undefined : rest.slice(colon + 1) };
}

function parseChoice<T extends string>(flag: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new EngineError('invalid-argument', `${flag} ${JSON.stringify(text)} is none of ${choices.join(', ')}`);
  return found;
}

interface SigningFlags {
  readonly 'sign-by'?: string | undefined;
  readonly 'sign-by-sigstore-private-key'?: string | undefined;
  readonly 'sign-passphrase-file'?: string | undefined;
}

function signingOptions(flags: SigningFlags, { workingDirectory }: Context) {
  const key = flags['sign-by-sigstore-private-key'];
  const passphrase = flags['sign-passphrase-file'];
  return {
    ...(flags['sign-by'] === undefined ? {} : { signBy: flags['sign-by'] }),
    ...(key === undefined ? {} : { signBySigstorePrivateKey: resolve(workingDirectory, key) }),
    ...(passphrase === undefined ? {} : { signPassphraseFile: resolve(workingDirectory, passphrase) }),
  };
}

async function writeDigest(path: string, digest: string): Promise<void> {
  try {
    await writeFile(path, digest);
  } catch (error) {
    throw toEngineError(error, 'write', path);
  }
}

/** Answers the digest of the manifest. */
async function writeLocally(
  image: string,
  destination: LocalDestination,
  quiet: boolean,
  compress: boolean,
  context: Context,
): Promise<string> {
  const api = await context.engine();
  const display = progressDisplay({ quiet });
  const { format, path, name } = destination;
  let digest = '';
  const request = {
    images: [image],
    names: name === undefined ? [] : [name],
    withoutName: true,
    format,
    path: resolve(context.workingDirectory, path),
    compress,
  };
  for await (const item of api.image.save(request, { signal: context.signal })) {
    if (item.kind !== 'progress') continue;
    if (item.progress.kind === 'manifest') digest = item.progress.digest;
    await display.show(item.progress);
  }
  await display.finish();
  return digest;
}

export const push = command({
  name: 'push',
  usage: '[options] IMAGE [DESTINATION]',
  description:
    'Push an image to a registry, or into an archive or folder: [docker://]host/path:tag, docker-archive:, oci-archive:, oci:, dir:.',
  examples: ['push localhost/app registry.example.com/team/app:1', 'push --format oci app oci-archive:app.tar:1'],
  flags: flagTable({
    authfile: { kind: 'string', word: 'path', help: 'File with credentials' },
    'cert-dir': { kind: 'string', word: 'path', help: 'Folder with certificates' },
    compress: { kind: 'bool', help: 'Compress the layers in a dir:' },
    'compression-format': { kind: 'string', help: 'gzip or zstd' },
    'compression-level': { kind: 'string', word: 'level', help: 'gzip 1 to 9, zstd 1 to 20' },
    creds: { kind: 'string', word: 'user:password', help: 'Credentials for the registry' },
    digestfile: { kind: 'string', word: 'path', help: 'Write the digest of the pushed manifest to a file' },
    'disable-content-trust': { kind: 'bool', hidden: true, help: 'Without effect, as in Podman' },
    format: { kind: 'string', short: 'f', help: 'Kind of manifest: oci or v2s2; default: as it came' },
    quiet: { kind: 'bool', short: 'q', help: 'Show no progress' },
    'remove-signatures': { kind: 'bool', hidden: true, help: 'Without effect: the store keeps no signatures' },
    'sign-by': { kind: 'string', word: 'fingerprint', help: "Sign it with a key of gpg's" },
    'sign-by-sigstore-private-key': { kind: 'string', word: 'path', help: 'Sign it with a private key in PEM, as sigstore does' },
    'sign-passphrase-file': { kind: 'string', word: 'path', help: "File with the signing key's passphrase" },
    'tls-verify': { kind: 'bool', help: 'Require HTTPS and a certificate that can be trusted', default: 'true' },
  }),
  unsupported: {
    all: 'the store has no lists of images',
    'encrypt-layer': '',
    'encryption-key': '',
    'force-compression': '',
    retry: '',
    'retry-delay': '',
    'sign-by-sigstore': 'it is for keys by Fulcio; --sign-by-sigstore-private-key signs with a key of your own',
  },
  arguments: [1, 2],
  async run({ flags, positionals: [image = '', destination] }, context) {
    if (flags.creds !== undefined && !flags.creds.includes(':'))
      throw new EngineError('invalid-argument', '--creds needs a user and a password', { fix: 'write --creds user:password' });
    const format = parseChoice('--format', flags.format, ['oci', 'v2s2']);
    const compressionFormat = parseChoice('--compression-format', flags['compression-format'], ['gzip', 'zstd']);
    const level = flags['compression-level'];
    const local = destination === undefined ? undefined : parseLocalDestination(destination);
    let digest = '';
    if (local) {
      if (format !== undefined || compressionFormat !== undefined || level !== undefined)
        throw new EngineError('invalid-argument', `--format and --compression-… are for registries; ${local.format} has its own form`);
      if (Object.keys(signingOptions(flags, context)).length > 0)
        throw new EngineError('unsupported', `an image is signed on its way to a registry; ${local.format} is written without signatures`);
      digest = await writeLocally(image, local, flags.quiet === true, flags.compress === true, context);
    } else {
      if (flags.compress === true) throw new EngineError('invalid-argument', "--compress can be set only when the destination is 'dir:'");
      const api = await context.engine();
      const display = progressDisplay({ quiet: flags.quiet === true });
      const request = {
        image,
        ...(destination === undefined ? {} : { destination }),
        ...(format === undefined ? {} : { format }),
        ...(compressionFormat === undefined ? {} : { compressionFormat }),
        ...(level === undefined ? {} : { compressionLevel: Number(level) }),
        ...signingOptions(flags, context),
        ...(flags['tls-verify'] === undefined ? {} : { tlsVerify: flags['tls-verify'] }),
        ...(flags.creds === undefined ? {} : { credentials: flags.creds }),
        ...(flags.authfile === undefined ? {} : { authFile: flags.authfile }),
        ...(flags['cert-dir'] === undefined ? {} : { certDirectory: flags['cert-dir'] }),
      };
      for await (const item of api.image.push(request, { signal: context.signal })) {
        if (item.kind === 'progress') await display.show(item.progress);
        else digest = item.digest;
      }
      await display.finish();
    }
    if (flags.digestfile !== undefined) await writeDigest(resolve(context.workingDirectory, flags.digestfile), digest);
    return 0;
  },
});
