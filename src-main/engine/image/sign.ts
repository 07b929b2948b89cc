/** Simple signatures of images that lie in registries, as `podman image sign` makes them. */
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import { formatReference, parseReference, withDefaultTag } from '../reference/reference.ts';
import { createRegistryClient } from '../registry/registry.ts';
import { type Signer, addToFolder, lookasidePath, openSigner, signaturePlaces } from '../signature/signature.ts';
import { type ImageContext, readRegistries } from './context.ts';
import type { SignOptions, SignedManifest } from './image.ts';
import { parseManifest } from './manifest.ts';

/** See ImageStore.sign. */
export async function signImages(context: ImageContext, names: readonly string[], options: SignOptions): Promise<SignedManifest[]> {
  const { signBy, passphraseFile, signal } = options;
  const signer = await openSigner(context.system, { signBy, passphraseFile, environment: context.environment(), signal });
  if (!signer) throw new EngineError('invalid-argument', 'no identity to sign with was given', { details: { field: 'signBy' } });
  const signed: SignedManifest[] = [];
  for (const name of names) signed.push(...(await signImage(context, signer, name, options)));
  return signed;
}

async function signImage(context: ImageContext, signer: Signer, text: string, options: SignOptions): Promise<SignedManifest[]> {
  const transport = /^([a-z-]+):(?!\d)/.exec(text)?.[1];
  if (
    transport !== undefined &&
    transport !== 'docker' &&
    ['containers-storage', 'dir', 'docker-archive', 'docker-daemon', 'oci', 'oci-archive', 'ostree', 'sif', 'tarball'].includes(transport)
  )
    throw new EngineError('unsupported', `${text} cannot be signed: signatures are of images in a registry`, {
      fix: 'Give docker://registry/name:tag.',
    });
  const reference = withDefaultTag(parseReference(text));
  const name = formatReference(reference);
  const registries = readRegistries(context);
  const source = registries.pullSources(reference).find(({ isMirror }) => !isMirror);
  if (!source) throw new EngineError('internal', `there is no source for ${name}`);
  const { authFile, certDirectory, signal } = options;
  await using client = createRegistryClient({
    system: context.system,
    environment: context.environment(),
    credentialHelpers: registries.credentialHelpers,
    limits: context.limits,
    ...(authFile === undefined ? {} : { authFile }),
    ...(certDirectory === undefined ? {} : { certDirectory }),
  });
  const top = await client.manifest(source, reference.digest ?? reference.tag ?? 'latest', signal);
  const digests: Digest[] = [top.digest];
  if (options.all) {
    const parsed = parseManifest(top.bytes, top.contentType, `manifest of ${name}`);
    if (parsed.kind === 'index') digests.push(...parsed.manifests.map(({ digest }) => digest));
  }
  const signed: SignedManifest[] = [];
  for (const digest of new Set(digests)) {
    const folder = await folderFor(context, options.directory, reference, digest);
    for (const signature of await signer.sign(digest, name))
      signed.push({ name, digest, path: addToFolder(context.system, folder, signature) });
  }
  return signed;
}

async function folderFor(
  { system }: ImageContext,
  directory: string | undefined,
  reference: ReturnType<typeof parseReference>,
  digest: Digest,
): Promise<string> {
  if (directory !== undefined) return join(directory, `${reference.repository}@${digest.replace(':', '=')}`);
  const { staging } = await signaturePlaces(reference, system.identity);
  const place = lookasidePath(staging, reference.repository, digest);
  if ('path' in place) return place.path;
  throw new EngineError('unsupported', `signatures cannot be written to ${staging.href}: only to a folder`, {
    fix: `Give --directory, or name a folder for docker: ${reference.registry} in registries.d: lookaside-staging: file:///…`,
  });
}
