/** What of images and their layers is only half there. */
import { isEngineError } from '../../base/errors.ts';
import type { Digest } from '../../contract/ids.ts';
import type { StoreProblem } from '../../contract/system.ts';
import type { LayerProblem } from '../layer/layer.ts';
import type { ImageRecord } from '../state/state.ts';
import type { ImageContext } from './context.ts';
import { settleAll } from './settle-all.ts';

const words = {
  'half-pulled-layer': 'has files but no record',
  'missing-layer': 'has a record but no files',
  'damaged-layer': 'is damaged: its files are not what was unpacked, or are gone',
} as const satisfies Record<LayerProblem['kind'], string>;

/** Reads every layer that can be put together again, as many at once as the layer room has workers for. */
export async function verifyLayers({ state, layers }: ImageContext, signal: AbortSignal | undefined): Promise<void> {
  await settleAll(
    state.layers.list().map(async ({ chainId }) => {
      if (!layers.canRead(chainId)) return;
      try {
        await layers.verify(chainId, signal);
      } catch (error) {
        // Damaged: it is noted. Gone: somebody has removed it meanwhile.
        if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not-found')) throw error;
      }
    }),
  );
}

/** Looks only. */
export function findImageProblems({ state, layers, blobs }: ImageContext): StoreProblem[] {
  const images = state.images.listOwn();
  const found = layers.findProblems();
  const told = new Set(found.map(({ chainId }) => chainId));
  const recorded = new Set(state.layers.list().map(({ chainId }) => chainId));
  const halves = found.map(({ chainId, kind }) => ({ kind, object: chainId, message: messageFor(chainId, words[kind], images) }));
  const lost = new Set(images.flatMap(({ chainIds }) => chainIds.filter((chainId) => !recorded.has(chainId) && !told.has(chainId))));
  const missing = [...lost].map((chainId) => ({
    kind: 'missing-layer',
    object: chainId,
    message: messageFor(chainId, 'is not in the store', images),
  }));
  return [...halves, ...missing, ...images.flatMap((image) => documentProblems(blobs, image))];
}

/** Configuration and manifest; without the first the image cannot be used, without the second not be pushed as it came. */
function documentProblems(blobs: ImageContext['blobs'], record: ImageRecord): StoreProblem[] {
  const { id, names, list } = record;
  const name = names[0] ?? id.slice(0, 12);
  if (!list) return problemsOf(blobs, record, name);
  // A list's own document is made from its record when it is needed; what it keeps are those of its images.
  return list.instances.flatMap(({ image }) => (image ? problemsOf(blobs, image, `${image.id.slice(0, 12)}, which ${name} names,`) : []));
}

function problemsOf(
  blobs: ImageContext['blobs'],
  { id, manifestDigest }: Pick<ImageRecord, 'id' | 'manifestDigest'>,
  image: string,
): StoreProblem[] {
  return [`sha256:${id}` as Digest, ...(manifestDigest === undefined ? [] : [manifestDigest])].flatMap((digest): StoreProblem[] => {
    const what = digest === manifestDigest ? 'manifest' : 'configuration';
    try {
      if (blobs.find(digest)) return [];
      return [{ kind: 'missing-blob', object: digest, message: `the ${what} of ${image} is not in the store; pull or load it again` }];
    } catch (error) {
      if (!isEngineError(error, 'corrupt')) throw error;
      return [{ kind: 'damaged-blob', object: digest, message: `the ${what} of ${image} is damaged; pull or load it again` }];
    }
  });
}

function messageFor(chainId: Digest, what: string, images: readonly ImageRecord[]): string {
  const users = images.filter(({ chainIds }) => chainIds.includes(chainId)).map(({ id, names }) => names[0] ?? id.slice(0, 12));
  const layer = `layer ${chainId.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  if (users.length === 0) return `${layer} ${what}; no image needs it, and the next pull of one that does replaces it`;
  return `${layer} ${what}; pull or load again what needs it: ${users.join(', ')}`;
}
