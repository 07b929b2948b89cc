/** Where new signatures of a repository go. */
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { PullSource } from '../reference/reference.ts';
import {
  type ImageSignature,
  type Signer,
  type TrustFolders,
  addToFolder,
  attachmentTag,
  lookasidePath,
  parseAttachment,
  signaturePlaces,
  toAttachment,
} from '../signature/signature.ts';
import type { RegistryClient } from './client.ts';
import type { RepositoryWriter } from './repository-writer.ts';

export interface SignatureTarget {
  /** Beside those that there are. */
  add(digest: Digest, signatures: readonly ImageSignature[]): Promise<void>;
}

export interface SignatureTargetOptions {
  readonly system: System;
  readonly client: RegistryClient;
  readonly writer: RepositoryWriter;
  readonly target: PullSource;
  readonly tag: string;
  readonly folders: TrustFolders;
  readonly signer: Signer;
  readonly signal?: AbortSignal | undefined;
}

/** Refuses before anything is sent what could not be kept: `unsupported`. */
export async function openSignatureTarget(options: SignatureTargetOptions): Promise<SignatureTarget> {
  const { system, target, tag, folders, signer } = options;
  const { registry, repository } = target;
  const { staging, useAttachments } = await signaturePlaces({ registry, repository, tag, digest: undefined }, folders);
  if (signer.kinds.has('simple') && staging.protocol !== 'file:')
    throw new EngineError('unsupported', `signatures cannot be written to ${staging.href}: only to a folder`, {
      fix: `Name one for docker: ${registry} in registries.d: lookaside-staging: file:///…`,
    });
  if (signer.kinds.has('sigstore') && !useAttachments)
    throw new EngineError(
      'unsupported',
      `sigstore signatures for ${registry}/${repository} have no place: attachments are off by configuration`,
      {
        fix: `Write into a file in registries.d, below docker: and ${registry}: the line use-sigstore-attachments: true`,
      },
    );
  return {
    async add(digest, signatures) {
      for (const signature of signatures) {
        if (signature.kind !== 'simple') continue;
        const place = lookasidePath(staging, repository, digest);
        if ('path' in place) addToFolder(system, place.path, signature);
      }
      const attached = signatures.filter((one) => one.kind === 'sigstore');
      if (attached.length > 0) await attach(options, digest, attached);
    },
  };
}

async function attach(
  { client, writer, target, signal }: SignatureTargetOptions,
  digest: Digest,
  signatures: readonly Extract<ImageSignature, { readonly kind: 'sigstore' }>[],
): Promise<void> {
  const tag = attachmentTag(digest);
  const what = `signatures ${tag} of ${target.registry}/${target.repository}`;
  const before = await client.manifest(target, tag, signal).then(
    ({ bytes }) => parseAttachment(bytes, what),
    (error: unknown) => {
      if (isEngineError(error, 'not-found')) return [];
      throw error;
    },
  );
  const { config, manifest } = toAttachment(before, signatures);
  for (const bytes of [...signatures.map(({ payload }) => payload), config.bytes])
    await writer.upload({
      what,
      open: async function* () {
        yield await Promise.resolve(bytes);
      },
      ...(signal === undefined ? {} : { signal }),
      onRetry: () => undefined,
    });
  await writer.putManifest(tag, manifest, signal);
}
