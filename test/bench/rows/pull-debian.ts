import { join } from 'node:path';
import { outputDirectory, type Bench } from '../bench.ts';
import { debianArchive, debianImage } from '../input/debian-image.ts';
import { interleave, output, timed } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

/** Each pull of Selkie and Podman goes into a store of its own: deleting in between would slow the next one (ext4). */
async function measure(bench: Bench): ReturnType<typeof interleave> {
  const { selkie, podman, docker } = bench;
  const registry = await bench.registry();
  await registry.push(await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory), debianImage);
  const name = `${registry.address}/${debianImage}`;
  const settle = (): Promise<string> => output({ program: 'sync', args: [] });
  return interleave(
    {
      ...(selkie && {
        selkie: {
          before: settle,
          run: async () => (await timed(selkie.freshCommand('pull', '--quiet', '--tls-verify=false', name))).tookMs,
        },
      }),
      ...(podman && {
        podman: {
          before: settle,
          run: async () => (await timed(podman.freshCommand('pull', '--quiet', '--tls-verify=false', name))).tookMs,
        },
      }),
      ...(docker && {
        docker: {
          before: settle,
          run: async () => (await timed(docker.command('pull', '--quiet', name))).tookMs,
          after: () => output(docker.command('rmi', name)),
        },
      }),
    },
    { runs: 3, warmUps: 1 },
  );
}

export const pullDebian: Row = {
  id: 'pull-debian',
  title: 'pull of a 120 MB Debian layer set from a local registry',
  unit: 'ms',
  target: '≤ podman',
  isMet: atMost(Infinity, 1),
  measure,
};
