/** Archives that are sent by, or to, whoever asks, instead of lying at a path of this machine. */
import type { EngineHandlers } from '../../contract/engine.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ImageStore, ReceivedFile, ResolvedImage, SpooledSave } from '../image/image.ts';
import { pieces } from './pieces.ts';
import { withProgress } from './progress.ts';

type Handlers = Pick<EngineHandlers['image'], 'loadBytes' | 'importBytes' | 'saveBytes'>;
type Step = { readonly kind: 'received'; readonly bytes: number } | { readonly kind: 'progress'; readonly progress: TransferProgress };

interface Sent {
  readonly name: string;
  readonly sizeBytes: number;
}

/** So many bytes are told of at once. */
const toldBytes = 512 * 1024;

export function imageBytesHandlers(images: ImageStore): Handlers {
  return {
    loadBytes: ({ name, sizeBytes }, { up }, { signal }) =>
      receive(images, { name, sizeBytes }, up, signal, (file, onProgress) => images.load(file.path, { shownAs: name, signal, onProgress })),

    importBytes: ({ name, sizeBytes, ...options }, { up }, { signal }) =>
      receive(images, { name, sizeBytes }, up, signal, async ({ path }, onProgress) => [
        await images.importTar({ ...options, reference: options.reference, source: { path }, shownAs: name, signal, onProgress }),
      ]),

    async *saveBytes({ images: names, ...options }, { signal }) {
      let archive: SpooledSave | undefined;
      try {
        for await (const item of withProgress<TransferProgress, SpooledSave>(async (onProgress) => {
          archive = await images.saveForSending(names, { ...options, signal, onProgress });
          return archive;
        })) {
          if (item.kind === 'progress') yield item;
          else for await (const bytes of pieces(item.result.chunks)) yield { kind: 'bytes', bytes, totalBytes: item.result.sizeBytes };
        }
      } finally {
        // Also of a reader that leaves between its last progress and its first piece.
        await archive?.[Symbol.asyncDispose]();
      }
    },
  };
}

async function* receive(
  images: ImageStore,
  sent: Sent,
  up: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  use: (file: ReceivedFile, onProgress: (progress: TransferProgress) => void) => Promise<readonly ResolvedImage[]>,
) {
  for await (const item of withProgress<Step, readonly ResolvedImage[]>(async (onStep) => {
    let told = 0;
    await using file = await images.receive(up, {
      ...sent,
      signal,
      onBytes(bytes) {
        if (bytes - told < toldBytes && bytes < sent.sizeBytes) return;
        told = bytes;
        onStep({ kind: 'received', bytes });
      },
    });
    return await use(file, (progress) => {
      onStep({ kind: 'progress', progress });
    });
  })) {
    if (item.kind === 'progress') yield item.progress;
    else for (const { record, name } of item.result) yield { kind: 'image' as const, id: record.id, name };
  }
}
