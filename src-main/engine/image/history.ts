/** How an image was made, step by step, and what of it other images share: `history` and `image tree`. */
import type { Digest } from '../../contract/ids.ts';
import type { ImageHistoryStep, ImageTree, ImageTreeLayer } from '../../contract/image.ts';
import type { ImageRecord, LayerRecord } from '../state/state.ts';
import { parseConfig } from './config-blob.ts';
import type { ImageContext } from './context.ts';

/** The newest step first. A step that made a layer has its size; the topmost layer of an image has that image's id. */
export function imageHistory({ state, blobs }: ImageContext, record: ImageRecord): ImageHistoryStep[] {
  const { history } = parseConfig(blobs.get(`sha256:${record.id}` as Digest), record.names[0] ?? record.id);
  const tops = imagesByTop(state.images.list(), record);
  const used = new Set<string>();
  const steps: ImageHistoryStep[] = [];
  let at = record.chainIds.length - 1;
  for (const step of history.toReversed()) {
    const chainId = record.chainIds[at];
    const layer = chainId === undefined ? undefined : state.layers.find(chainId);
    // A step without a layer belongs to the layer below it, as in Podman; an image is named at the first step that could be its last.
    const images = chainId === undefined ? [] : (tops.get(chainId) ?? []);
    const id = images.find((image) => !used.has(image.id))?.id;
    const first = chainId !== undefined && !used.has(chainId);
    if (chainId !== undefined) used.add(chainId);
    if (first && id !== undefined) used.add(id);
    steps.push({
      ...(first && id !== undefined ? { id } : {}),
      ...(step.createdAt === undefined ? {} : { createdAt: step.createdAt }),
      createdBy: step.createdBy,
      comment: step.comment,
      sizeBytes: step.emptyLayer ? 0 : (layer?.sizeBytes ?? 0),
      names: images.flatMap(({ names }) => names),
    });
    if (!step.emptyLayer) at--;
  }
  return steps;
}

/** @param whatRequires what lies upon its topmost layer, instead of what it lies upon */
export function imageTree({ state }: ImageContext, record: ImageRecord, whatRequires: boolean): ImageTree {
  const tops = imagesByTop(state.images.list(), record);
  const layers = new Map(state.layers.list().map((layer) => [layer.chainId, layer]));
  const children = new Map<Digest, LayerRecord[]>();
  for (const layer of layers.values())
    if (layer.parentChainId !== undefined) children.set(layer.parentChainId, [...(children.get(layer.parentChainId) ?? []), layer]);

  const toNode = (chainId: Digest, above: readonly ImageTreeLayer[]): ImageTreeLayer => ({
    chainId,
    sizeBytes: layers.get(chainId)?.sizeBytes ?? 0,
    topOf: (tops.get(chainId) ?? []).flatMap(({ names }) => names),
    children: [...above],
  });
  const upon = (chainId: Digest): ImageTreeLayer[] =>
    (children.get(chainId) ?? []).map((child) => toNode(child.chainId, upon(child.chainId)));
  const top = record.chainIds.at(-1);
  const own = record.chainIds.map((chainId) => toNode(chainId, []));
  return {
    id: record.id,
    names: [...record.names],
    sizeBytes: record.sizeBytes,
    layers: whatRequires ? (top === undefined ? [] : [toNode(top, upon(top))]) : own,
  };
}

/** The image that is asked about comes first, then those with names, then the oldest. */
function imagesByTop(images: readonly ImageRecord[], first: ImageRecord): Map<Digest, ImageRecord[]> {
  const rank = (image: ImageRecord): number => (image.id === first.id ? 0 : image.names.length > 0 ? 1 : 2);
  // A list has layers, but it ends with none of them.
  const sorted = images.filter(({ list }) => !list).toSorted((a, b) => rank(a) - rank(b) || a.storedAt - b.storedAt);
  const found = new Map<Digest, ImageRecord[]>();
  for (const image of sorted) {
    const top = image.chainIds.at(-1);
    if (top !== undefined) found.set(top, [...(found.get(top) ?? []), image]);
  }
  return found;
}
