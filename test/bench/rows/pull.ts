import type { Bench } from '../bench.ts';
import { interleave, output, timed, type Measured } from '../measure.ts';

/** Each pull of Selkie and Podman goes into a store of its own: deleting in between would slow the next one (ext4). */
export async function measurePull(bench: Bench, archive: string, image: string): Promise<Measured> {
  const { selkie, podman, docker } = bench;
  const registry = await bench.registry();
  await registry.push(archive, image);
  const name = `${registry.address}/${image}`;
  const before = (): Promise<string> => output({ program: 'sync', args: [] });
  return interleave(
    {
      ...(selkie && {
        selkie: {
          before,
          run: async () => (await timed(selkie.freshCommand('pull', '--quiet', '--tls-verify=false', name))).tookMs,
        },
      }),
      ...(podman && {
        podman: {
          before,
          run: async () => (await timed(podman.freshCommand('pull', '--quiet', '--tls-verify=false', name))).tookMs,
        },
      }),
      ...(docker && {
        docker: {
          before,
          run: async () => (await timed(docker.command('pull', '--quiet', name))).tookMs,
          after: () => output(docker.command('rmi', name)),
        },
      }),
    },
    { runs: 3, warmUps: 1 },
  );
}
