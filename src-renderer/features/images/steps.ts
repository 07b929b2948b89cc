/** How an image was made, the newest step first, each with the layer that it left. Pure. */
import type { ImageDetail } from '../../../src-main/contract/image.ts';

export interface Step {
  readonly key: string;
  /** As a person would have written it; empty when nobody has said. */
  readonly createdBy: string;
  readonly comment: string;
  readonly createdAt: number | undefined;
  /** Undefined: it changed no files. */
  readonly layer: ImageDetail['layers'][number] | undefined;
}

/** Layers that the history does not tell of (it is optional) stand at the bottom, where the image begins. */
export function stepsOf({ history, layers }: Pick<ImageDetail, 'history' | 'layers'>): readonly Step[] {
  const told = history.filter(({ emptyLayer }) => !emptyLayer).length;
  const silent = Math.max(0, layers.length - told);
  let next = silent;
  const steps: Step[] = layers
    .slice(0, silent)
    .map((layer, index) => ({ key: `layer ${String(index)}`, createdBy: '', comment: '', createdAt: undefined, layer }));
  history.forEach(({ createdBy, comment, createdAt, emptyLayer }, index) => {
    const layer = emptyLayer ? undefined : layers[next++];
    steps.push({ key: `step ${String(index)}`, createdBy: instruction(createdBy), comment, createdAt, layer });
  });
  return steps.reverse();
}

/** What builders put before the instruction that a person has written. */
function instruction(createdBy: string): string {
  return createdBy
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^\|\d+ .*?\/bin\/sh -c /, 'RUN ')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/\s+# buildkit$/, '')
    .trim();
}
