import { createHash } from 'node:crypto';
import type { Digest } from '../../contract/ids.ts';
import { mediaType } from './media-type.ts';

/**
 * Of an image that came without a manifest, as from Docker: the one that a push of its plain layers would make, so the same image always has
 * the same digest.
 */
export function makePlainManifest(
  configBytes: Uint8Array,
  layers: readonly { readonly diffId: Digest; readonly sizeBytes: number }[],
): Buffer {
  const digest = `sha256:${createHash('sha256').update(configBytes).digest('hex')}`;
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaType.dockerManifest,
      config: { mediaType: mediaType.dockerConfig, size: configBytes.length, digest },
      layers: layers.map(({ diffId, sizeBytes }) => ({ mediaType: mediaType.dockerLayer, size: sizeBytes, digest: diffId })),
    }),
  );
}
