/** The signatures of a manifest in a registry: from its lookaside, and from attachments where registries.d says so. */
import { isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { PullSource } from '../reference/reference.ts';
import {
  type FoundSignature,
  type TrustFolders,
  attachmentLayerType,
  attachmentTag,
  largestSignatureBytes,
  lookasidePath,
  mostSignatures,
  parseAttachment,
  parseSignature,
  readFolder,
  signaturePlaces,
} from '../signature/signature.ts';
import type { RegistryClient } from './client.ts';

export interface SignatureSearch {
  readonly client: RegistryClient;
  readonly source: PullSource;
  /** The tag by which it is asked for: registries.d may speak of one name alone. */
  readonly tag: string | undefined;
  readonly digest: Digest;
  readonly folders: TrustFolders;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A signature that is none is found all the same, and told when it is read. Errors: `corrupt` (registries.d, an attachment), `unavailable`,
 * `denied`, `limit-exceeded`.
 */
export async function findSignatures(search: SignatureSearch): Promise<FoundSignature[]> {
  const { source, tag, digest, folders } = search;
  const { registry, repository } = source;
  const places = await signaturePlaces({ registry, repository, tag, digest: tag === undefined ? digest : undefined }, folders);
  const at = lookasidePath(places.lookaside, repository, digest);
  const found = 'path' in at ? readFolder(at.path) : await fetchAll(search, at.url);
  return places.useAttachments ? [...found, ...(await findAttached(search))] : found;
}

async function fetchAll({ client, signal }: SignatureSearch, folder: URL): Promise<FoundSignature[]> {
  const found: FoundSignature[] = [];
  for (let number = 1; number <= mostSignatures; number++) {
    const url = new URL(folder);
    url.pathname += `/signature-${String(number)}`;
    const bytes = await client.file(url, largestSignatureBytes, signal);
    if (!bytes) break;
    found.push({ where: url.href, read: () => parseSignature(bytes) });
  }
  return found;
}

async function findAttached({ client, source, digest, signal }: SignatureSearch): Promise<FoundSignature[]> {
  const tag = attachmentTag(digest);
  let bytes: Buffer;
  try {
    ({ bytes } = await client.manifest(source, tag, signal));
  } catch (error) {
    if (isEngineError(error, 'not-found')) return [];
    throw error;
  }
  const what = `${source.registry}/${source.repository}:${tag}`;
  const found: FoundSignature[] = [];
  for (const { mediaType: mimeType, digest: blob, size, annotations } of parseAttachment(bytes, what)) {
    // Attestations and the like lie beside signatures.
    if (mimeType !== attachmentLayerType) continue;
    const payload = await client.config(source, blob, size, signal);
    found.push({ where: what, read: () => ({ kind: 'sigstore', mimeType, payload, annotations }) });
  }
  return found;
}
