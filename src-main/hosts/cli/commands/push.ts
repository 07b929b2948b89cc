import { resolve } from 'node:path';
import { EngineError, isEngineError } from '../../../base/errors.ts';
import type { EngineClient } from '../../../contract/engine.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { formFlags, pushForm, pushList, writeDigestFile } from './manifest-push.ts';
import { flagTable } from '../options/flags.ts';
import { accessFlags, toAccess } from '../options/registry-access.ts';
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
/** Of containers-transports(5): those that lead to other programs' stores. `containers-storage:` leads to this one. */
const otherTransports = ['docker-daemon', 'ostree', 'sif', 'tarball'];

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
    all: { kind: 'bool', help: 'Of a list, all images that it names' },
    ...accessFlags,
    ...formFlags,
    compress: { kind: 'bool', help: 'Compress the layers in a dir:' },
    'disable-content-trust': { kind: 'bool', hidden: true, help: 'Without effect, as in Podman' },
    'remove-signatures': { kind: 'bool', hidden: true, help: 'Without effect: the store keeps no signatures' },
    'sign-by': { kind: 'string', word: 'fingerprint', help: "Sign it with a key of gpg's" },
    'sign-by-sigstore-private-key': { kind: 'string', word: 'path', help: 'Sign it with a private key in PEM, as sigstore does' },
    'sign-passphrase-file': { kind: 'string', word: 'path', help: "File with the signing key's passphrase" },
  }),
  unsupported: {
    'encrypt-layer': '',
    'encryption-key': '',
    'force-compression': '',
    retry: '',
    'retry-delay': '',
    'sign-by-sigstore': 'it is for keys by Fulcio; --sign-by-sigstore-private-key signs with a key of your own',
  },
  arguments: [1, 2],
  async run({ flags, positionals: [image = '', destination] }, context) {
    const access = toAccess(flags, context);
    const form = pushForm(flags);
    const quiet = flags.quiet === true;
    const local = destination === undefined ? undefined : parseLocalDestination(destination);
    if (flags.compress === true && local?.format !== 'docker-dir')
      throw new EngineError('invalid-argument', "--compress can be set only when the destination is 'dir:'");
    if (local && (Object.keys(form).length > 0 || flags.all === true))
      throw new EngineError('invalid-argument', `--all, --format and --compression-… are for registries; ${local.format} has its own form`);
    const signing = signingOptions(flags, context);
    if (Object.keys(signing).length > 0 && (local || destination?.startsWith('containers-storage:') === true))
      throw new EngineError('unsupported', 'an image is signed on its way to a registry; this destination is written without signatures');
    let digest: string;
    if (local) digest = await writeLocally(image, local, quiet, flags.compress === true, context);
    else if (destination?.startsWith('containers-storage:') === true) digest = await nameHere(image, destination, context);
    else digest = await pushToRegistry(image, destination, { ...form, ...access }, { quiet, all: flags.all === true, signing }, context);
    if (flags.digestfile !== undefined) await writeDigestFile(context, flags.digestfile, digest);
    return 0;
  },
});

/** To this store: one more name. */
async function nameHere(image: string, destination: string, context: Context): Promise<string> {
  const api = await context.engine();
  await api.image.tag({ image, names: [destination] });
  return (await api.image.inspect({ image: destination })).digest ?? '';
}

async function pushToRegistry(
  image: string,
  destination: string | undefined,
  options: ReturnType<typeof pushForm> & ReturnType<typeof toAccess>,
  { quiet, all, signing }: { readonly quiet: boolean; readonly all: boolean; readonly signing: ReturnType<typeof signingOptions> },
  context: Context,
): Promise<string> {
  const api = await context.engine();
  // A list without an image for this machine is pushed whole, as Podman does.
  if (all || (await isListAlone(image, api))) {
    if (Object.keys(signing).length > 0) throw new EngineError('unsupported', `${image} is a list, and lists cannot be signed`);
    return pushList(context, { list: image, destination, all: true, quiet, ...options }, options);
  }
  const display = progressDisplay({ quiet });
  const request = { image, ...(destination === undefined ? {} : { destination }), ...options, ...signing };
  let digest = '';
  for await (const item of api.image.push(request, { signal: context.signal })) {
    if (item.kind === 'progress') await display.show(item.progress);
    else digest = item.digest;
  }
  await display.finish();
  return digest;
}

async function isListAlone(image: string, api: EngineClient): Promise<boolean> {
  try {
    await api.image.inspect({ image });
    return false;
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error;
    return api.manifest.exists({ list: image });
  }
}
