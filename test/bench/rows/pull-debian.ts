import { join } from 'node:path';
import { outputDirectory } from '../bench.ts';
import { debianArchive, debianImage } from '../input/debian-image.ts';
import { atMost, type Row } from '../row.ts';
import { measurePull } from './pull.ts';

export const pullDebian: Row = {
  id: 'pull-debian',
  title: 'pull of a 120 MB Debian layer set from a local registry',
  unit: 'ms',
  target: '≤ podman',
  isMet: atMost(Infinity, 1),
  measure: async (bench) => measurePull(bench, await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory), debianImage),
};
