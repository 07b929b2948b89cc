import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { imageName, manyImagesArchive } from '../input/many-images.ts';
import { interleave, output, timed, type Command } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

const count = 100;

async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman } = bench;
  const archive = await manyImagesArchive(join(bench.directory, 'hundred'), count);
  const names = Array.from({ length: count }, (_, index) => imageName(index));
  const contender = (command: (...words: string[]) => Command) => ({
    before: () => output(command('load', '--quiet', '-i', archive)),
    run: async () => (await timed(command('rmi', ...names))).tookMs,
  });
  return interleave(
    {
      ...(selkie && { selkie: contender((...words) => selkie.command(...words)) }),
      ...(podman && { podman: contender((...words) => podman.command(...words)) }),
    },
    { runs: 3, warmUps: 1 },
  );
}

export const removeImages: Row = {
  id: 'remove-images',
  title: '`selkie rmi` of 100 images',
  unit: 'ms',
  target: '≤ podman',
  isMet: atMost(Infinity, 1),
  measure,
};
