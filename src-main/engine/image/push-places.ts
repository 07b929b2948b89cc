/** Where a layer lies already, so that it need not be sent. */
import type { Digest } from '../../contract/ids.ts';
import { parseReference } from '../reference/reference.ts';
import type { RepositoryWriter } from '../registry/registry.ts';
import type { State } from '../state/state.ts';
import { type OutgoingImage, type PlacedLayer, compressionOf } from './outgoing.ts';

/** More repositories than that to look into cost more than they save. */
const mostOthers = 3;

/** Repositories of that registry where layers of this image were seen, or that images with a layer of it have come from or are named for. */
export function repositoriesAt(
  state: Pick<State, 'images' | 'layers'>,
  image: OutgoingImage,
  registry: string,
  repository: string,
): string[] {
  const chainIds = new Set(image.record.chainIds);
  const found = new Set<string>();
  const blobs = image.layers.flatMap(({ diffId }) => state.layers.blobsOf(diffId));
  for (const place of blobs.flatMap(({ blobDigest }) => state.layers.placesOf(blobDigest)))
    if (place.registry === registry) found.add(place.repository);
  for (const record of [image.record, ...state.images.list()]) {
    if (!record.chainIds.some((chainId) => chainIds.has(chainId))) continue;
    for (const name of [...(record.repoDigests ?? []), ...(record.names ?? [])]) {
      const reference = parseReference(name);
      if (reference.registry === registry) found.add(reference.repository);
    }
  }
  found.delete(repository);
  return [...found].slice(0, mostOthers);
}

export interface LayerPlacesOptions {
  readonly state: Pick<State, 'layers'>;
  readonly writer: RepositoryWriter;
  readonly image: OutgoingImage;
  readonly others: readonly string[];
  /** Layers by another compression are not what is asked for. */
  readonly only: 'gzip' | 'zstd' | undefined;
  readonly zstdAllowed: boolean;
  readonly signal: AbortSignal;
}

interface Candidate {
  readonly digest: Digest;
  readonly size: number;
  /** Undefined when it has to be looked at. */
  readonly compression: PlacedLayer['compression'] | undefined;
}

export class LayerPlaces {
  readonly #options: LayerPlacesOptions;

  constructor(options: LayerPlacesOptions) {
    this.#options = options;
  }

  /** In the repository, or taken over into it from another one. */
  async find(diffId: Digest): Promise<PlacedLayer | undefined> {
    const candidates = this.#candidates(diffId);
    for (const candidate of candidates) {
      const placed = await this.#lookUp(candidate);
      if (placed) return placed;
    }
    return this.#takeOver(candidates);
  }

  /** What the image came with first: with that it keeps its digest. */
  #candidates(diffId: Digest): Candidate[] {
    const { image, state } = this.#options;
    const index = image.layers.findIndex((layer) => layer.diffId === diffId);
    const own = image.stored?.manifest.layers[index];
    const known = state.layers
      .blobsOf(diffId)
      // Plain layers are sent compressed.
      .filter(({ blobDigest }) => blobDigest !== diffId && blobDigest !== own?.digest)
      .map(({ blobDigest, sizeBytes }) => ({
        digest: blobDigest,
        size: sizeBytes,
        compression: state.layers.placesOf(blobDigest)[0]?.compression,
      }));
    const first = own && own.digest !== diffId ? [{ digest: own.digest, size: own.size, compression: compressionOf(own.mediaType) }] : [];
    return [...first, ...known].filter(({ compression }) => compression === undefined || this.#isWanted(compression));
  }

  async #lookUp({ digest, size, compression }: Candidate): Promise<PlacedLayer | undefined> {
    const { writer, signal } = this.#options;
    if (compression !== undefined) {
      const found = await writer.sizeOf(digest, signal);
      return found === size ? { digest, size, compression } : undefined;
    }
    const there = await writer.find(digest, signal);
    const actual = there && compressionByHead(there.head);
    return actual !== undefined && there?.sizeBytes === size && this.#isWanted(actual) ? { digest, size, compression: actual } : undefined;
  }

  async #takeOver(candidates: readonly Candidate[]): Promise<PlacedLayer | undefined> {
    const { writer, others, signal } = this.#options;
    for (const candidate of candidates)
      for (const from of others) {
        if (!(await writer.mount(candidate.digest, from, signal))) continue;
        const placed = await this.#lookUp(candidate);
        if (placed) return placed;
      }
    return undefined;
  }

  #isWanted(compression: PlacedLayer['compression']): boolean {
    const { only, zstdAllowed } = this.#options;
    if (compression === 'none' || (compression === 'zstd' && !zstdAllowed)) return false;
    return only === undefined || compression === only;
  }
}

function compressionByHead(head: Buffer): 'gzip' | 'zstd' | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : undefined;
}
