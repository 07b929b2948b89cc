import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { outputDirectory, type Bench } from '../bench.ts';
import { debianArchive, debianImage } from '../input/debian-image.ts';
import { interleave, output, timed, type Command } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman } = bench;
  const archive = await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory);
  const saved = join(bench.directory, 'saved.tar');
  const contender = async (command: (...words: string[]) => Command) => {
    await output(command('load', '--quiet', '-i', archive));
    return {
      run: async () => (await timed(command('save', '--quiet', '-o', saved, `localhost/${debianImage}`))).tookMs,
      after() {
        rmSync(saved);
        return Promise.resolve();
      },
    };
  };
  return interleave(
    {
      ...(selkie && { selkie: await contender((...words) => selkie.command(...words)) }),
      ...(podman && { podman: await contender((...words) => podman.command(...words)) }),
    },
    { runs: 3, warmUps: 1 },
  );
}

export const saveImage: Row = {
  id: 'save-image',
  title: 'save of the Debian layer set as a docker-archive',
  unit: 'ms',
  target: '≤ 0.8 × podman',
  isMet: atMost(Infinity, 0.8),
  measure,
};
