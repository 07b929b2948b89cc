import { join } from 'node:path';
import { outputDirectory } from '../bench.ts';
import { layeredArchive, layeredImage } from '../input/layered-image.ts';
import { atMost, type Row } from '../row.ts';
import { measurePull } from './pull.ts';

export const pullLayers: Row = {
  id: 'pull-layers',
  title: 'pull of 12 layers, about 300 MB, from a local registry',
  unit: 'ms',
  target: '≤ 0.4 × podman',
  isMet: atMost(Infinity, 0.4),
  measure: async (bench) => measurePull(bench, await layeredArchive(join(outputDirectory, 'bench-cache'), bench.directory), layeredImage),
};
