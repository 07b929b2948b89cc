/** What each kind of object takes of the disk. Pure. */
import type { DiskUsage } from '../../../src-main/contract/system.ts';

export interface Shares {
  /** In layers that several images have, or that only a container still needs. */
  readonly sharedBytes: number;
  /** In layers of one image alone. */
  readonly exclusiveBytes: number;
  readonly containerBytes: number;
  readonly volumeBytes: number;
  readonly trashBytes: number;
  readonly totalBytes: number;
  /** Images without a name that no container was made from: what builds and pulls have left. */
  readonly leftovers: { readonly count: number; readonly bytes: number };
}

export function sharesOf({ images, imageBytes, containers, volumes, trash }: DiskUsage): Shares {
  const exclusiveBytes = sum(images.map(({ uniqueBytes }) => uniqueBytes));
  const containerBytes = sum(containers.map(({ sizeBytes }) => sizeBytes));
  const volumeBytes = sum(volumes.map(({ sizeBytes }) => sizeBytes));
  const unnamed = images.filter((image) => image.names.length === 0 && image.containers === 0);
  return {
    sharedBytes: Math.max(0, imageBytes - exclusiveBytes),
    exclusiveBytes,
    containerBytes,
    volumeBytes,
    trashBytes: trash.bytes,
    totalBytes: Math.max(imageBytes, exclusiveBytes) + containerBytes + volumeBytes + trash.bytes,
    leftovers: { count: unnamed.length, bytes: sum(unnamed.map(({ uniqueBytes }) => uniqueBytes)) },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
