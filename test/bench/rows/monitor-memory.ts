import type { Bench } from '../bench.ts';
import { median, output } from '../measure.ts';
import { findProcesses, proportionalKilobytes } from '../processes.ts';
import { atMost, type Measurement, type Row, type Values } from '../row.ts';

/** Enough that pages shared between monitors count as shared. */
const count = 10;

async function measure({ selkie, podman, docker, busybox }: Bench): Promise<Measurement> {
  const command = ['sleep', '1000'];
  const values: Values = {};
  if (selkie) {
    const engine = await selkie.engine();
    const ids: string[] = [];
    try {
      for (let index = 0; index < count; index++) {
        const id = await engine.create({ image: busybox, command, network: { mode: 'host' }, pullPolicy: 'never' });
        ids.push(id);
        await engine.start(id);
      }
      const pids = await Promise.all(ids.map((id) => engine.monitorPid(id)));
      values.selkie = median(pids.map(proportionalKilobytes));
    } finally {
      for (const id of ids) await engine.remove(id);
    }
  }
  for (const [column, peer, monitor, run] of [
    ['podman', podman, 'conmon', podman && ((...args: string[]) => podman.run(...args))],
    ['docker', docker, 'containerd-shim', docker && ((...args: string[]) => docker.command('run', ...args))],
  ] as const) {
    if (!peer || !run) continue;
    const ids: string[] = [];
    try {
      for (let index = 0; index < count; index++) ids.push(await output(run('--detach', '--network', 'host', busybox, ...command)));
      const pids = ids.flatMap((id) => findProcesses(monitor, id));
      if (pids.length < count) throw new Error(`${column}: ${pids.length} monitors of ${count} containers`);
      values[column] = median(pids.map(proportionalKilobytes));
    } finally {
      if (ids.length > 0) await output(peer.command('rm', '--force', ...ids));
    }
  }
  return { values };
}

export const monitorMemory: Row = {
  id: 'monitor-memory',
  title: 'memory per running container besides its own (PSS of its monitor)',
  unit: 'kB',
  target: '< 1 MB',
  isMet: atMost(1024),
  measure,
};
