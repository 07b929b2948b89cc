/** "Run to started": from asking for a container to its process running. Peers have no warm engine: their command counts whole. */
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { interleave, output, timed, type Contender, type Contenders } from '../measure.ts';
import { rawNetwork } from '../peers/raw-network.ts';
import type { Measurement } from '../row.ts';

let counter = 0;

export async function measureRunToStarted(bench: Bench, network: 'host' | 'bridge'): Promise<Measurement> {
  const notes = network === 'bridge' && !bench.isRoot ? ['the bridge network needs root'] : [];
  if (notes.length > 0) return { values: {}, notes };
  return interleave(contenders(bench, network), { runs: bench.runs });
}

function contenders(bench: Bench, network: 'host' | 'bridge'): Contenders {
  const { selkie, podman, docker, floor, busybox } = bench;
  const command = ['sleep', '1000'];
  const floorContender = network === 'host' ? floor && rawRuntime(bench, command) : rawNetwork(join(bench.directory, 'netavark'));
  return {
    ...(selkie && { selkie: warmSelkie(bench, network, command) }),
    ...(podman && {
      podman: named(
        (name) => podman.run('--detach', '--name', name, '--network', network, busybox, ...command),
        (name) => podman.command('rm', '--force', '--time', '0', name),
      ),
    }),
    ...(docker && {
      docker: named(
        (name) => docker.command('run', '--detach', '--name', name, '--network', network, busybox, ...command),
        (name) => docker.command('rm', '--force', name),
      ),
    }),
    ...(floorContender && { floor: floorContender }),
  };
}

function warmSelkie({ selkie, busybox }: Bench, network: 'host' | 'bridge', command: readonly string[]): Contender {
  let id = '';
  return {
    async run() {
      const engine = await selkie?.engine();
      if (engine === undefined) throw new Error('not built');
      const started = performance.now();
      id = await engine.create({ image: busybox, command: [...command], network: { mode: network }, pullPolicy: 'never' });
      await engine.start(id);
      return performance.now() - started;
    },
    after: async () => (await selkie?.engine())?.remove(id),
  };
}

type CommandFor = (name: string) => Parameters<typeof timed>[0];

function named(run: CommandFor, remove: CommandFor): Contender {
  let name = '';
  return {
    async run() {
      name = `bench-${counter++}`;
      return (await timed(run(name))).tookMs;
    },
    after: () => output(remove(name)),
  };
}

function rawRuntime({ floor }: Bench, command: readonly string[]): Contender {
  if (floor === undefined) throw new Error('crun is not installed');
  const bundle = floor.bundle('sleep', command);
  let name = '';
  return {
    async run() {
      name = `bench-${counter++}`;
      // Its process keeps the pipes open: `timed` lets go of them.
      return (await timed(floor.command('run', '--detach', '--bundle', bundle, name))).tookMs;
    },
    after: () => output(floor.command('delete', '--force', name)),
  };
}
