import type { Bench } from '../bench.ts';
import { interleave, timed, type Command, type Contender } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

let counter = 0;

function command(next: () => Command): Contender {
  return { run: async () => (await timed(next())).tookMs };
}

function measure({ selkie, podman, docker, floor, busybox, runs }: Bench): ReturnType<typeof interleave> {
  const words = ['--rm', '--network', 'host', busybox, 'true'];
  const bundle = floor?.bundle('true', ['true']) ?? '';
  return interleave(
    {
      ...(selkie && { selkie: command(() => selkie.command('run', ...words)) }),
      ...(podman && { podman: command(() => podman.run(...words)) }),
      ...(docker && { docker: command(() => docker.command('run', ...words)) }),
      ...(floor && { floor: command(() => floor.command('run', '--bundle', bundle, `bench-true-${counter++}`)) }),
    },
    { runs },
  );
}

export const cliRunHost: Row = {
  id: 'cli-run-host',
  title: '`selkie run --rm` from a cold shell, host network',
  unit: 'ms',
  target: '≤ podman',
  isMet: atMost(Infinity, 1),
  measure,
};
