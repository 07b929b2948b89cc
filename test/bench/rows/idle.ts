/** Selkie's interface on loopback with its engine, and what Docker keeps running, watched while nobody asks for anything. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { commandLine, cpuSeconds, processTree, residentKilobytes } from '../processes.ts';

export interface IdleCost {
  /** Of one core. */
  readonly cpuPercent: number;
  readonly engineMegabytes: number;
}

const settleMs = 5000;
const measured = new WeakMap<Bench, Promise<Partial<Record<'selkie' | 'docker', IdleCost>>>>();

/** Measured once for all rows. */
export function idleCosts(bench: Bench): Promise<Partial<Record<'selkie' | 'docker', IdleCost>>> {
  const known = measured.get(bench) ?? watch(bench);
  measured.set(bench, known);
  return known;
}

async function watch({ selkie, docker, idleSeconds }: Bench): Promise<Partial<Record<'selkie' | 'docker', IdleCost>>> {
  const dockerPids = docker?.processes() ?? [];
  if (selkie === undefined) return docker ? { docker: await cost(dockerPids, dockerPids, idleSeconds) } : {};
  const { program, args, environment } = selkie.webCommand();
  const host = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
  try {
    await Promise.race([
      once(host.stdout, 'data'),
      once(host, 'exit').then(() => {
        throw new Error('the web host ended at once');
      }),
    ]);
    await pause(settleMs);
    const pids = processTree(host.pid ?? 0);
    const engine = pids.filter((pid) => commandLine(pid).includes('worker.js'));
    if (engine.length === 0) throw new Error('the web host has no engine');
    const [own, other] = await Promise.all([cost(pids, engine, idleSeconds), docker && cost(dockerPids, dockerPids, idleSeconds)]);
    return { selkie: own, ...(other && { docker: other }) };
  } finally {
    const exited = once(host, 'exit');
    host.kill('SIGTERM');
    await exited;
  }
}

async function cost(pids: readonly number[], engine: readonly number[], seconds: number): Promise<IdleCost> {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = total();
  await pause(seconds * 1000);
  return {
    cpuPercent: ((total() - before) / seconds) * 100,
    engineMegabytes: engine.reduce((sum, pid) => sum + residentKilobytes(pid), 0) / 1024,
  };
}
