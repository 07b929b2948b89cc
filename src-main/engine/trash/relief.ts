import { isEngineError } from '../../base/errors.ts';
import type { TransferProgress } from '../../contract/image.ts';
import type { ImageStore } from '../image/image.ts';
import type { Trash } from './trash.ts';

interface Told {
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** The same store; where the disk is full, the trash is emptied, which is told, and the transfer is tried once more. */
export function withTrashRelief(images: ImageStore, trash: () => Trash): ImageStore {
  async function relieved<T>({ onProgress }: Told, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (!isEngineError(error, 'disk-full')) throw error;
      const { entries } = await trash().usage();
      if (entries === 0) throw error;
      const { discarded, freedBytes } = await trash().empty([]);
      onProgress?.({
        kind: 'warning',
        message: `the disk is full: emptied the trash (${discarded.length === 1 ? '1 object' : `${String(discarded.length)} objects`}, ${String(Math.ceil(freedBytes / 1e6))} MB) and trying again`,
      });
      return attempt();
    }
  }

  return {
    ...images,
    pull: (reference, options) => relieved(options, () => images.pull(reference, options)),
    pullAll: (reference, options) => relieved(options, () => images.pullAll(reference, options)),
    adopt: (image, options) => relieved(options, () => images.adopt(image, options)),
    load: (path, options) => relieved(options, () => images.load(path, options)),
  };
}
