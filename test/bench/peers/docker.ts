/** Docker: a dockerd of our own with its own roots, only where one is installed. Needs root. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { HostNamespace } from '../host-namespace.ts';
import { output, type Command } from '../measure.ts';
import { processTree } from '../processes.ts';
import { which } from '../which.ts';

export interface Docker {
  readonly version: string;
  command(...args: readonly string[]): Command;
  /** dockerd and what it started. */
  processes(): number[];
  close(): Promise<void>;
}

export async function openDocker(directory: string, namespace: HostNamespace): Promise<Docker | undefined> {
  const [daemon, client] = [which('dockerd'), which('docker')];
  if (daemon === undefined || client === undefined || process.getuid?.() !== 0) return undefined;
  mkdirSync(directory, { recursive: true });
  const socket = join(directory, 'docker.sock');
  const { program, args } = namespace.wrap({
    program: daemon,
    args: [
      ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec'), '--pidfile', join(directory, 'docker.pid')],
      ...['--host', `unix://${socket}`, '--bridge', 'none', '--log-level', 'error'],
    ],
  });
  const log = openSync(join(directory, 'log'), 'w');
  const server = spawn(program, args, { stdio: ['ignore', log, log] });
  // With docker.io, containerd is started by dockerd; nsenter became it, so its pid is the daemon's.
  const command = (...words: readonly string[]): Command => ({ program: client, args: ['--host', `unix://${socket}`, ...words] });
  for (let attempt = 0; ; attempt++) {
    if (server.exitCode !== null || attempt > 300) throw new Error(`dockerd did not come up: see ${join(directory, 'log')}`);
    if (
      existsSync(socket) &&
      (await output(command('version')).then(
        () => true,
        () => false,
      ))
    )
      break;
    await pause(100);
  }
  return {
    version: await output(command('version', '--format', '{{.Server.Version}}')),
    command,
    processes: () => processTree(server.pid ?? 0),
    async close() {
      const all = await output(command('ps', '-aq'));
      if (all !== '') await output(command('rm', '-f', ...all.split('\n')));
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
    },
  };
}
