/**
 * Brings the layers of one image into the store: several are fetched at once, each is unpacked while it arrives, as soon as the layer
 * below it is there. What is fetched lies in content/partial until the image is visible, so that no interruption costs it.
 */
import { EngineError, isCancelled, isEngineError, throwIfAborted } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { Download, GrowingFile } from '../content/content.ts';
import type { PullSource } from '../reference/reference.ts';
import type { RegistryClient } from '../registry/registry.ts';
import type { ImageContext } from './context.ts';
import { type LayerProgress, reportLayer } from './progress.ts';
import { settleAll } from './settle-all.ts';
import { Slots } from './slots.ts';

export interface LayerPlan {
  readonly blobDigest: Digest;
  readonly sizeBytes: number;
  readonly diffId: Digest;
  readonly parentChainId: Digest | undefined;
  readonly chainId: Digest;
}

export interface LayerTransferOptions {
  readonly context: ImageContext;
  readonly client: RegistryClient;
  readonly source: PullSource;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: TransferProgress) => void) | undefined;
}

/** Podman's limit is 6; more than a few connections to one registry bring nothing but memory. */
const downloadsAtOnce = 4;

export class LayerTransfer {
  /** Chain ids of layers that were not there and that this transfer unpacked, or tried to. */
  readonly touched = new Set<Digest>();
  readonly #options: LayerTransferOptions;
  readonly #slots = new Slots(downloadsAtOnce);
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #failed = new Set<Digest>();

  constructor(options: LayerTransferOptions) {
    this.#options = options;
    this.#signal = options.signal === undefined ? this.#abort.signal : AbortSignal.any([options.signal, this.#abort.signal]);
  }

  /** When one layer fails all stop; the lowest one's error is thrown after the last has stopped. */
  async run(plans: readonly LayerPlan[]): Promise<void> {
    const tasks = plans.map((plan) =>
      this.#layer(plan).catch((error: unknown) => {
        // The layer below is still finding out what went wrong with it.
        if (!(error instanceof LayerBelowFailed)) this.#abort.abort();
        throw error;
      }),
    );
    try {
      await settleAll(tasks, (error) => error instanceof LayerBelowFailed);
    } catch (error) {
      throwIfAborted(this.#options.signal);
      throw error;
    }
  }

  async #layer(plan: LayerPlan): Promise<void> {
    const { context, onProgress } = this.#options;
    const progress = reportLayer(plan.blobDigest, plan.sizeBytes, onProgress);
    if (context.layers.findSound(plan.chainId)) {
      progress.state('present');
      return;
    }
    this.#checkKnown(plan);
    progress.state('waiting');
    try {
      await this.#attempt(plan, progress);
    } catch (error) {
      // What a crash left of an earlier pull may be damaged: once more, from the beginning.
      if (!(error instanceof DamagedLeftover)) throw error;
      progress.state('retrying', 'what an earlier pull left of it was damaged');
      await this.#attempt(plan, progress).catch((again: unknown) => {
        if (again instanceof DamagedLeftover) throw again.failure;
        throw again;
      });
    }
  }

  /** A blob whose content was verified once cannot become another layer. */
  #checkKnown(plan: LayerPlan): void {
    const known = this.#options.context.state.layers.findBlob(plan.blobDigest);
    if (known && known.diffId !== plan.diffId)
      throw new EngineError(
        'digest-mismatch',
        `layer ${plan.blobDigest} unpacks to ${known.diffId}, but the configuration says ${plan.diffId}`,
      );
  }

  async #attempt(plan: LayerPlan, progress: LayerProgress): Promise<void> {
    const { context } = this.#options;
    const slot = await this.#slots.acquire();
    let download: Download;
    try {
      throwIfAborted(this.#signal);
      download = await context.downloads.open(plan.blobDigest, plan.sizeBytes, this.#signal);
    } catch (error) {
      slot[Symbol.dispose]();
      throw error;
    }
    const source = download.growing();
    const fetch = { failed: false };
    const fetching = this.#fetch(download, slot, progress, fetch);
    fetching.catch(() => undefined);
    try {
      await this.#unpack(plan, source, progress);
      await fetching;
    } catch (error) {
      source.destroy();
      await this.#failWithCause(error, fetching, fetch.failed);
    }
    progress.state('done');
  }

  /** Ends the download's slot and lock; readers go on. */
  async #fetch(download: Download, slot: Disposable, progress: LayerProgress, outcome: { failed: boolean }): Promise<void> {
    const { client, source } = this.#options;
    using _held = slot;
    await using open = download;
    const leftoverBytes = open.offsetBytes;
    try {
      if (!open.complete) {
        progress.state('fetching');
        progress.bytes(open.offsetBytes);
        await client.download(source, open, {
          signal: this.#signal,
          onProgress: (bytes) => progress.bytes(bytes),
          onRetry: (message) => progress.state('retrying', message),
        });
      }
      progress.bytes(open.offsetBytes);
      progress.state('unpacking');
    } catch (error) {
      const failure = leftoverBytes > 0 && isEngineError(error, 'digest-mismatch') ? new DamagedLeftover(error) : error;
      // Before the readers hear of it, so that they know whose failure theirs is.
      outcome.failed = true;
      open.fail(failure instanceof Error ? failure : new Error(String(failure)));
      throw failure;
    }
  }

  async #unpack(plan: LayerPlan, source: GrowingFile, progress: LayerProgress): Promise<void> {
    const { context } = this.#options;
    if (context.layers.findSound(plan.chainId)) {
      source.destroy();
      progress.state('present');
      return;
    }
    const { parentChainId, diffId, chainId } = plan;
    this.touched.add(chainId);
    try {
      await context.layers.unpack({ parentChainId, diffId, source, signal: this.#signal });
    } catch (error) {
      this.#failed.add(chainId);
      if (parentChainId !== undefined && this.#failed.has(parentChainId))
        throw new LayerBelowFailed('the layer below failed', { cause: error });
      throw error;
    }
    context.state.layers.putBlob({ blobDigest: plan.blobDigest, diffId, sizeBytes: plan.sizeBytes });
  }

  /** Bytes damaged on their way also make a broken archive: whether they were is known only when all are here. */
  async #failWithCause(error: unknown, fetching: Promise<void>, fetchFailed: boolean): Promise<never> {
    const undecided =
      fetchFailed ||
      error instanceof LayerBelowFailed ||
      (isEngineError(error) && ['corrupt', 'digest-mismatch', 'limit-exceeded'].includes(error.code));
    if (!undecided) this.#abort.abort();
    const [fetched] = await Promise.allSettled([fetching]);
    if (fetched.status === 'fulfilled' || (isCancelled(fetched.reason) && !isCancelled(error))) throw error;
    throw fetched.reason;
  }
}

/** Leaves this file only as its cause. */
class DamagedLeftover extends Error {
  readonly failure: EngineError;

  constructor(failure: EngineError) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

/** Says nothing of its own: the layer below has the reason. */
class LayerBelowFailed extends Error {}
