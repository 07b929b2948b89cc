import { join } from 'node:path';
import { outputDirectory, type Bench } from '../bench.ts';
import { debianArchive } from '../input/debian-image.ts';
import { interleave, output, timed } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman } = bench;
  const archive = await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory);
  const before = (): Promise<string> => output({ program: 'sync', args: [] });
  return interleave(
    {
      ...(selkie && { selkie: { before, run: async () => (await timed(selkie.freshCommand('load', '--quiet', '-i', archive))).tookMs } }),
      ...(podman && { podman: { before, run: async () => (await timed(podman.freshCommand('load', '--quiet', '-i', archive))).tookMs } }),
    },
    { runs: 3, warmUps: 1 },
  );
}

export const loadImage: Row = {
  id: 'load-image',
  title: 'load of the Debian layer set from a docker-archive',
  unit: 'ms',
  target: '≤ 0.8 × podman',
  isMet: atMost(Infinity, 0.8),
  measure,
};
