import { join } from 'node:path';
import { outputDirectory, type Bench } from '../bench.ts';
import { debianArchive, debianImage } from '../input/debian-image.ts';
import { openRegistry, type Registry } from '../input/registry.ts';
import { interleave, output, timed, type Command, type Contender, type Measured } from '../measure.ts';

let counter = 0;

/** Each push goes to a registry of its own; `again` measures the second one, when everything is there. */
export async function measurePush(bench: Bench, again: boolean): Promise<Measured> {
  const { selkie, podman } = bench;
  const archive = await debianArchive(join(outputDirectory, 'bench-cache'), bench.directory);
  const contender = async (command: (...words: string[]) => Command): Promise<Contender> => {
    await output(command('load', '--quiet', '-i', archive));
    let registry: Registry | undefined;
    const push = (): Command =>
      command('push', '--quiet', '--tls-verify=false', `localhost/${debianImage}`, `${registry?.address ?? ''}/${debianImage}`);
    return {
      async before() {
        registry = await openRegistry(join(bench.directory, `empty-registry-${counter++}`));
        if (again) await output(push());
      },
      run: async () => (await timed(push())).tookMs,
      after: async () => registry?.close(),
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
