import type { Bench } from '../bench.ts';
import { interleave, output, timed, type Command } from '../measure.ts';
import { atMost, type Row } from '../row.ts';

const count = 100;

/** Two at a time: more only wait for each other. */
async function each(run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all([worker(), worker()]);
}

async function measure({ selkie, podman, docker, busybox, runs }: Bench): ReturnType<typeof interleave> {
  const ids: string[] = [];
  const engine = await selkie?.engine();
  const name = (index: number): string => `list-${index}`;
  const create = (index: number): string[] => ['create', '--name', name(index), '--network', 'host', busybox, 'true'];
  try {
    if (engine)
      await each(async (index) =>
        ids.push(
          await engine.create({ image: busybox, name: name(index), command: ['true'], network: { mode: 'host' }, pullPolicy: 'never' }),
        ),
      );
    for (const peer of [podman, docker]) if (peer) await each((index) => output(peer.command(...create(index))));
    const list = (command: Command) => ({
      async run() {
        const { stdout, tookMs } = await timed(command);
        const lines = stdout.trim().split('\n').length;
        if (lines < count) throw new Error(`${lines} lines instead of ${count}`);
        return tookMs;
      },
    });
    return await interleave(
      {
        ...(selkie && { selkie: list(selkie.command('ps', '--all')) }),
        ...(podman && { podman: list(podman.command('ps', '--all')) }),
        ...(docker && { docker: list(docker.command('ps', '--all')) }),
      },
      { runs },
    );
  } finally {
    for (const id of ids) await engine?.remove(id);
    const names = Array.from({ length: count }, (_, index) => name(index));
    for (const peer of [podman, docker]) if (peer) await output(peer.command('rm', ...names)).catch(() => undefined);
  }
}

export const listHundred: Row = {
  id: 'list-hundred',
  title: '`selkie ps`, 100 containers',
  unit: 'ms',
  target: '≤ 60 ms',
  isMet: atMost(60),
  measure,
};
