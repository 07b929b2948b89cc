/** What of images and their layers is only half there. */
import type { Digest } from '../../contract/ids.ts';
import type { StoreProblem } from '../../contract/system.ts';
import type { LayerProblem } from '../layer/layer.ts';
import type { ImageRecord } from '../state/state.ts';
import type { ImageContext } from './context.ts';

const words = {
  'half-pulled-layer': 'has files but no record',
  'missing-layer': 'has a record but no files',
  'damaged-layer': 'has a damaged record or lacks its files',
} as const satisfies Record<LayerProblem['kind'], string>;

/** Looks only. */
export function findImageProblems({ state, layers }: ImageContext): StoreProblem[] {
  const images = state.images.list();
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
  return [...halves, ...missing];
}

function messageFor(chainId: Digest, what: string, images: readonly ImageRecord[]): string {
  const users = images.filter(({ chainIds }) => chainIds.includes(chainId)).map(({ id, names }) => names[0] ?? id.slice(0, 12));
  const layer = `layer ${chainId.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  if (users.length === 0) return `${layer} ${what}; no image needs it, and the next pull of one that does replaces it`;
  return `${layer} ${what}; remove and pull again what needs it: ${users.join(', ')}`;
}
