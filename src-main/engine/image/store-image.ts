/** From layers that are on this machine to an image in the store: what load and adopt share. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { EngineError, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest, ImageId } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ImageRecord } from '../state/state.ts';
import { afterFailure, commitImage, dropLayers } from './commit.ts';
import type { ParsedConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';
import { reportLayer } from './progress.ts';
import { settleAll } from './settle-all.ts';

interface StorableLayer {
  readonly member: { readonly sizeBytes: number; stream(): Readable };
  readonly diffId: Digest;
  /** Of the member's bytes, where somebody says it: checked. */
  readonly blobDigest: Digest | undefined;
  /** Looks for the reason when the bytes have another digest than they should. */
  readonly explain?: (() => Promise<EngineError | undefined>) | undefined;
}

interface StorableImage {
  readonly configBytes: Buffer;
  readonly config: ParsedConfig;
  readonly manifestBytes: Buffer;
  readonly indexBytes?: Buffer | undefined;
  readonly names: readonly string[];
  readonly repoDigests?: readonly string[];
  readonly layers: readonly StorableLayer[];
}

/** Whence it comes, for the journal and the event. */
interface Origin {
  readonly object: string;
  readonly event: { readonly status: string; readonly name: string };
}

interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

interface LayerStep extends StorableLayer {
  readonly chainId: Digest;
  readonly parentChainId: Digest | undefined;
}

const commitAttempts = 3;

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function toSteps(context: ImageContext, image: StorableImage): LayerStep[] {
  let parentChainId: Digest | undefined;
  return image.layers.map((layer) => {
    const chainId = context.layers.chainId(parentChainId, layer.diffId);
    const step = { ...layer, chainId, parentChainId };
    parentChainId = chainId;
    return step;
  });
}

async function storeLayer(context: ImageContext, step: LayerStep, options: StoreOptions, touched: Set<Digest>): Promise<void> {
  const { member, diffId, blobDigest, chainId, parentChainId } = step;
  const progress = reportLayer(blobDigest ?? diffId, member.sizeBytes, options.onProgress);
  if (context.layers.findSound(chainId)) {
    progress.state('present');
    return;
  }
  progress.state('unpacking');
  const source = member.stream();
  try {
    touched.add(chainId);
    await context.layers.unpack({
      parentChainId,
      diffId,
      source,
      ...(blobDigest === undefined ? {} : { blobDigest }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (bytes) => {
        progress.bytes(bytes);
      },
    });
  } catch (error) {
    const reason = isEngineError(error, 'digest-mismatch') ? await step.explain?.() : undefined;
    throw reason?.within(`layer ${diffId}`) ?? error;
  } finally {
    source.destroy();
  }
  if (blobDigest !== undefined) context.state.layers.putBlob({ blobDigest, diffId, sizeBytes: member.sizeBytes });
  progress.state('done');
}

/** All at once: the layer room fills as many as it has workers for, and commits from the bottom up. */
async function storeLayers(context: ImageContext, steps: readonly LayerStep[], options: StoreOptions, touched: Set<Digest>): Promise<void> {
  const abort = new AbortController();
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
  const tasks = steps.map(async (step) => {
    try {
      await storeLayer(context, step, { ...options, signal }, touched);
    } catch (error) {
      abort.abort();
      throw error;
    }
  });
  try {
    await settleAll(tasks);
  } catch (error) {
    throwIfAborted(options.signal);
    throw error;
  }
}

/** Visible when all of it is there; after a failure nothing of it is left but layers that were there, or that somebody needs meanwhile. */
export async function storeImage(
  context: ImageContext,
  image: StorableImage,
  { object, event }: Origin,
  options: StoreOptions,
): Promise<ImageRecord> {
  const { config, configBytes, manifestBytes, indexBytes, names, repoDigests = [] } = image;
  const configDigest = digestOf(configBytes);
  const id = configDigest.slice('sha256:'.length) as ImageId;
  const manifestDigest = digestOf(manifestBytes);
  const steps = toSteps(context, image);
  const chainIds = steps.map(({ chainId }) => chainId);
  const touched = new Set<Digest>();
  const blobs = [configDigest, manifestDigest, ...(indexBytes === undefined ? [] : [digestOf(indexBytes)])];
  using operation = context.state.operations.begin('image.pull', object, { chainIds, blobs });
  try {
    for (let attempt = 1; attempt <= commitAttempts; attempt++) {
      await storeLayers(context, steps, options, touched);
      options.onProgress?.({ kind: 'config', digest: configDigest });
      const documents = { config, configBytes, manifestDigest, manifestBytes, ...(indexBytes === undefined ? {} : { indexBytes }) };
      const record = await commitImage(context, { id, ...documents, names, repoDigests, chainIds, event }, options.signal);
      if (record) return record;
    }
    throw new EngineError('in-use', `layers of ${object} were removed again and again while it was stored`);
  } catch (error) {
    const unpacked = chainIds.filter((chainId) => touched.has(chainId));
    return await afterFailure(error, operation, async () => {
      await dropLayers(context, unpacked);
    });
  }
}
