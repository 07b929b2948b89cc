/** Images out of another program's store on this machine: their documents and their layers' tars are handed in, nothing is fetched. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import { checkPolicy } from '../registry/registry.ts';
import type { ImageRecord } from '../state/state.ts';
import { parseConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';
import { makePlainManifest } from './plain-manifest.ts';
import { storeImage } from './store-image.ts';

export interface AdoptableLayer {
  readonly diffId: Digest;
  /** Of its tar. */
  readonly sizeBytes: number;
  /** As a registry has it, where the other program knows that it is this layer: a later push need not send it again. */
  readonly blob?: { readonly digest: Digest; readonly sizeBytes: number } | undefined;
  /** Its tar; held against the diff id, whatever comes. */
  stream(): Readable;
  /** Why the tar had another digest; undefined when it cannot be told. */
  explain(): Promise<EngineError | undefined>;
}

export interface AdoptableImage {
  /** Whose it was, for messages. */
  readonly origin: string;
  /** As policy.json calls the store that it lies in. */
  readonly transport: 'containers-storage' | 'docker-daemon';
  readonly configBytes: Buffer;
  /** Undefined: one is made, as of a docker-archive. */
  readonly manifestBytes: Buffer | undefined;
  readonly indexBytes?: Buffer | undefined;
  /** Full names with a tag. */
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  readonly layers: readonly AdoptableLayer[];
}

export interface AdoptOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface AdoptionOutlook {
  readonly id: ImageId;
  /** With all its names but those that are taken. */
  readonly isPresent: boolean;
  /** Of the tars of layers that are not here, each counted once. */
  readonly missing: readonly { readonly chainId: Digest; readonly sizeBytes: number }[];
  /** Names that another image has here, and keeps. */
  readonly takenNames: readonly string[];
}

function idOf(image: AdoptableImage): ImageId {
  return createHash('sha256').update(image.configBytes).digest('hex') as ImageId;
}

/** What an adoption would do. Changes nothing. */
export function outlookOf({ state, layers }: ImageContext, image: AdoptableImage): AdoptionOutlook {
  const id = idOf(image);
  const there = state.images.find(id);
  const isTaken = (name: string): boolean => (state.images.findByName(name)?.id ?? id) !== id;
  const missing: { chainId: Digest; sizeBytes: number }[] = [];
  let parent: Digest | undefined;
  for (const { diffId, sizeBytes } of image.layers) {
    parent = layers.chainId(parent, diffId);
    if (!layers.findSound(parent)) missing.push({ chainId: parent, sizeBytes });
  }
  const hasAll = (has: readonly string[] | undefined, wanted: readonly string[]): boolean => wanted.every((name) => has?.includes(name));
  const free = image.names.filter((name) => !isTaken(name));
  return {
    id,
    isPresent: there !== undefined && missing.length === 0 && hasAll(there.names, free) && hasAll(there.repoDigests, image.repoDigests),
    missing,
    takenNames: image.names.filter(isTaken),
  };
}

/** See ImageStore.adopt. */
export async function adoptImage(context: ImageContext, image: AdoptableImage, options: AdoptOptions): Promise<ImageRecord> {
  const config = parseConfig(image.configBytes, image.origin);
  const same = config.diffIds.length === image.layers.length && config.diffIds.every((diffId, at) => image.layers[at]?.diffId === diffId);
  if (!same) throw new EngineError('corrupt', `${image.origin} has other layers than its configuration names`);
  checkPolicy({ transport: image.transport, scopes: [], name: image.origin }, { homeDirectory: context.system.identity.homeDirectory });
  const { takenNames, id } = outlookOf(context, image);
  const names = image.names.filter((name) => !takenNames.includes(name));
  const record = await storeImage(
    context,
    {
      ...image,
      config,
      names,
      manifestBytes: image.manifestBytes ?? makePlainManifest(image.configBytes, image.layers),
      layers: image.layers.map((layer) => ({
        ...{ diffId: layer.diffId, explain: () => layer.explain(), blobDigest: undefined },
        member: { sizeBytes: layer.sizeBytes, stream: () => layer.stream() },
      })),
    },
    { object: image.origin, event: { status: 'import', name: names[0] ?? id } },
    options,
  );
  for (const { blob, diffId } of image.layers)
    if (blob && !context.state.layers.findBlob(blob.digest))
      context.state.layers.putBlob({ blobDigest: blob.digest, diffId, sizeBytes: blob.sizeBytes });
  return record;
}
