import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { manyImagesArchive } from '../input/many-images.ts';
import { interleave, output, timed, type Command } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

const count = 500;

async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman, runs } = bench;
  const archive = await manyImagesArchive(join(bench.directory, 'many'), count);
  const contender = async (command: (...words: string[]) => Command) => {
    await output(command('load', '--quiet', '-i', archive));
    return {
      async run() {
        const { stdout, tookMs } = await timed(command('images'));
        const lines = stdout.trim().split('\n').length;
        if (lines < count) throw new Error(`${lines} lines instead of ${count}`);
        return tookMs;
      },
    };
  };
  const values = await interleave(
    {
      ...(selkie && { selkie: await contender((...words) => selkie.command(...words)) }),
      ...(podman && { podman: await contender((...words) => podman.command(...words)) }),
    },
    { runs },
  );
  return values;
}

export const listImages: Row = {
  id: 'list-images',
  title: '`selkie images`, 500 images',
  unit: 'ms',
  target: '≤ podman',
  isMet: atMost(Infinity, 1),
  measure,
};
