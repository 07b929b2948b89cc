/** sigstore signatures beside an image in its registry: an image whose layers are payloads (cosign's SIGNATURE_SPEC). */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { type Digest, digest } from '../../contract/ids.ts';
import { type ImageSignature, largestSignatureBytes, mostSignatures } from './format.ts';
import { sigstoreMimeType as attachmentLayerType } from './sigstore.ts';

export { attachmentLayerType };

export interface AttachedLayer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

const layer = v.object({
  mediaType: v.string(),
  digest,
  size: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(largestSignatureBytes)),
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
});
const manifest = v.object({ layers: v.pipe(v.array(layer), v.maxLength(mostSignatures)) });

export function attachmentTag(of: Digest): string {
  return `${of.replace(':', '-')}.sig`;
}

/** Errors: `corrupt`. */
export function parseAttachment(bytes: Uint8Array, what: string): readonly AttachedLayer[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EngineError('corrupt', `${what} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(manifest, document);
  if (!parsed.success) throw new EngineError('corrupt', `${what} is malformed: ${v.getDotPath(parsed.issues[0]) ?? 'the document'}`);
  return parsed.output.layers;
}

export interface AttachmentDocuments {
  readonly config: { readonly bytes: Buffer; readonly digest: Digest };
  readonly manifest: { readonly bytes: Buffer; readonly mediaType: string };
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

/** Those that there are already, and new ones behind them. */
export function toAttachment(
  before: readonly AttachedLayer[],
  signatures: readonly Extract<ImageSignature, { readonly kind: 'sigstore' }>[],
): AttachmentDocuments {
  const added = signatures.map(({ mimeType, payload, annotations }) => ({
    mediaType: mimeType,
    digest: digestOf(payload),
    size: payload.length,
    annotations,
  }));
  const layers = [...before, ...added];
  if (layers.length > mostSignatures)
    throw new EngineError(
      'limit-exceeded',
      `it has ${String(before.length)} signatures, and no reader would look at more than ${String(mostSignatures)}`,
    );
  const config = Buffer.from(
    JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((one) => one.digest) } }),
  );
  const document = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers,
  };
  return {
    config: { bytes: config, digest: digestOf(config) },
    manifest: { bytes: Buffer.from(JSON.stringify(document)), mediaType: document.mediaType },
  };
}
