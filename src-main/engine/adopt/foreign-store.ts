/** What the stores of Podman and Docker have in common. */
import { Readable } from 'node:stream';
import type { EngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import type { AdoptableImage, AdoptableLayer } from '../image/image.ts';
import { formatReference, parseReference, repositoryName } from '../reference/reference.ts';
import { type LayerFiles, findChange, layerTar } from './layer-tar.ts';

export interface ForeignImage {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  /** Reads its documents. Errors say why it cannot be adopted. */
  open(signal: AbortSignal | undefined): Promise<AdoptableImage>;
}

export interface ForeignVolume {
  readonly name: string;
  /** With its data. */
  readonly path: string;
}

export interface ForeignStore {
  readonly root: string;
  /** Of the storage drivers whose images it has. */
  readonly drivers: readonly string[];
  readonly images: readonly ForeignImage[];
  readonly volumes: readonly ForeignVolume[];
}

/** What of an image can be said without opening it. */
export function namesOf(
  texts: readonly string[],
  digests: readonly string[],
): { readonly names: string[]; readonly repoDigests: string[] } {
  const names = new Set<string>();
  const repoDigests = new Set<string>();
  for (const text of texts) {
    const reference = parse(text);
    if (!reference) continue;
    if (reference.digest === undefined) names.add(formatReference(reference));
    else repoDigests.add(`${repositoryName(reference)}@${reference.digest}`);
    for (const digest of digests) repoDigests.add(`${repositoryName(reference)}@${digest}`);
  }
  return { names: [...names], repoDigests: [...repoDigests] };
}

/** A name that is none here is left out: the image has its id. */
function parse(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    const reference = parseReference(text);
    return reference.digest === undefined && reference.tag === undefined ? undefined : reference;
  } catch {
    return undefined;
  }
}

export function toAdoptableLayer(
  attributes: Pick<System['attributes'], 'openInRoot'>,
  files: LayerFiles,
  layer: Pick<AdoptableLayer, 'diffId' | 'sizeBytes' | 'blob'>,
  signal: AbortSignal | undefined,
): AdoptableLayer {
  return {
    ...layer,
    stream: () => Readable.from(layerTar(attributes, files), { objectMode: false, highWaterMark: 1 }),
    explain: (): Promise<EngineError | undefined> => findChange(attributes, files, signal),
  };
}

export function isHex(id: string | undefined): id is string {
  return id !== undefined && /^[0-9a-f]{64}$/.test(id);
}

export function toDigest(hex: string): Digest {
  return `sha256:${hex}` as Digest;
}
