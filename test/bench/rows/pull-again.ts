import { join } from 'node:path';
import { outputDirectory, type Bench } from '../bench.ts';
import { debianArchive, debianImage } from '../input/debian-image.ts';
import { interleave, output, timed, type Command } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman, docker, runs } = bench;
  const registry = await bench.registry();
  await registry.push(await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory), debianImage);
  const name = `${registry.address}/${debianImage}`;
  const contender = async (command: Command) => {
    await output(command);
    return { run: async () => (await timed(command)).tookMs };
  };
  return interleave(
    {
      ...(selkie && { selkie: await contender(selkie.command('pull', '--quiet', '--tls-verify=false', name)) }),
      ...(podman && { podman: await contender(podman.command('pull', '--quiet', '--tls-verify=false', name)) }),
      ...(docker && { docker: await contender(docker.command('pull', '--quiet', name)) }),
    },
    { runs },
  );
}

export const pullAgain: Row = {
  id: 'pull-again',
  title: 'pull again, with all layers there',
  unit: 'ms',
  target: '≤ 0.5 × podman',
  isMet: atMost(Infinity, 0.5),
  measure,
};
