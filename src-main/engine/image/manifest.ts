/** Manifests and indexes of OCI image-spec 1.1 and Docker schema 2, from hostile bytes. */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { digest } from '../../contract/ids.ts';
import { foreignLayerTypes, layerTypes, mediaType } from './media-type.ts';

const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const annotations = v.nullish(v.record(v.string(), v.string()), {});

const descriptor = v.object({
  mediaType: v.nullish(v.string(), ''),
  digest,
  size,
  annotations,
});

const platform = v.object({
  os: v.nullish(v.string(), ''),
  architecture: v.nullish(v.string(), ''),
  variant: v.nullish(v.string(), ''),
});

const indexEntry = v.object({ ...descriptor.entries, platform: v.nullish(platform), artifactType: v.nullish(v.string(), '') });

const index = v.object({ manifests: v.array(indexEntry), mediaType: v.nullish(v.string(), '') });

const manifest = v.object({ config: descriptor, layers: v.array(descriptor), mediaType: v.nullish(v.string(), '') });

export type Descriptor = v.InferOutput<typeof descriptor>;
export type IndexEntry = v.InferOutput<typeof indexEntry>;
export type Platform = v.InferOutput<typeof platform>;

export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly IndexEntry[];
}

/** Overlay stacks no more; no real image comes near. */
const mostLayers = 480;

export function describeIssue(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'the document'}: ${issue.message.slice(0, 120)}`;
}

export function parseJson(bytes: Uint8Array, what: string): object {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EngineError('corrupt', `${what} is not JSON`, { cause: error });
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new EngineError('corrupt', `${what} is not a JSON object`);
  return document;
}

function checkLayer(layer: Descriptor, what: string): void {
  const type = layer.mediaType;
  if (layerTypes.has(type)) return;
  if (foreignLayerTypes.has(type))
    throw new EngineError('unsupported', `${what} has a foreign layer (${type}), which registries do not distribute`);
  if (type.endsWith('+encrypted')) throw new EngineError('unsupported', `${what} has an encrypted layer (${type})`);
  throw new EngineError('unsupported', `${what} has a layer of a kind that is not known: ${JSON.stringify(type.slice(0, 120))}`);
}

function toManifest(document: object, what: string, type: string): ImageManifest {
  const parsed = v.safeParse(manifest, document);
  if (!parsed.success) throw new EngineError('corrupt', `${what} is malformed: ${describeIssue(parsed.issues[0])}`);
  const { config, layers } = parsed.output;
  if (config.mediaType !== mediaType.ociConfig && config.mediaType !== mediaType.dockerConfig)
    throw new EngineError(
      'unsupported',
      `${what} is not a container image: its configuration is ${JSON.stringify(config.mediaType.slice(0, 120))}`,
    );
  if (layers.length > mostLayers)
    throw new EngineError('limit-exceeded', `${what} has ${layers.length} layers; ${mostLayers} are possible`);
  for (const layer of layers) checkLayer(layer, what);
  return { kind: 'manifest', mediaType: type, config, layers };
}

/**
 * Tells by the document itself what it is; `contentType` only decides when the document does not say.
 * Errors: `corrupt`; `unsupported` for schema 1, foreign layers, artifacts that are no images.
 */
export function parseManifest(bytes: Uint8Array, contentType: string, what: string): ImageManifest | ImageIndex {
  const document = parseJson(bytes, what);
  const named = 'mediaType' in document && typeof document.mediaType === 'string' ? document.mediaType : '';
  const type = named === '' ? contentType : named;
  if ('fsLayers' in document || ('schemaVersion' in document && document.schemaVersion === 1))
    throw new EngineError('unsupported', `${what} is in Docker's schema 1, which registries and Podman have given up`, {
      fix: 'Ask for the image to be pushed again with a current tool.',
    });
  const hasManifests = 'manifests' in document;
  const hasLayers = 'layers' in document || 'config' in document;
  // One document that is both would be two images, one for each reader (CVE-2021-41190).
  if (hasManifests && hasLayers) throw new EngineError('corrupt', `${what} is at once an index and a manifest`);
  const saysIndex = type === mediaType.ociIndex || type === mediaType.dockerList;
  const saysManifest = type === mediaType.ociManifest || type === mediaType.dockerManifest;
  if ((saysIndex && hasLayers) || (saysManifest && hasManifests))
    throw new EngineError('corrupt', `${what} is not the ${type} that it says`);
  if (hasManifests) {
    const parsed = v.safeParse(index, document);
    if (!parsed.success) throw new EngineError('corrupt', `${what} is malformed: ${describeIssue(parsed.issues[0])}`);
    return { kind: 'index', mediaType: saysIndex ? type : mediaType.ociIndex, manifests: parsed.output.manifests };
  }
  if (hasLayers) return toManifest(document, what, saysManifest ? type : mediaType.ociManifest);
  throw new EngineError('unsupported', `${what} is neither an image manifest nor an index (${JSON.stringify(type.slice(0, 120))})`);
}

const anyManifest = v.object({
  mediaType: v.nullish(v.string(), ''),
  config: descriptor,
  layers: v.nullish(v.array(descriptor), []),
});

/** What a manifest of any kind refers to, for a copy that need not understand it: attestations and other artifacts stand in lists too. */
export function parseReferences(
  bytes: Uint8Array,
  what: string,
): { readonly mediaType: string; readonly config: Descriptor; readonly layers: readonly Descriptor[] } {
  const parsed = v.safeParse(anyManifest, parseJson(bytes, what));
  if (!parsed.success) throw new EngineError('corrupt', `${what} is malformed: ${describeIssue(parsed.issues[0])}`);
  if (parsed.output.layers.length > mostLayers)
    throw new EngineError(
      'limit-exceeded',
      `${what} has ${String(parsed.output.layers.length)} layers; ${String(mostLayers)} are possible`,
    );
  return parsed.output;
}
