/**
 * crun and podman refuse a host with hybrid cgroups. There, peers run in a private mount namespace without the v2 part, as Selkie's own sandbox
 * has it: entering costs each of them the 2 ms of nsenter that Selkie pays too. On any other host there is nothing to do.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Command } from './measure.ts';

export interface HostNamespace {
  wrap(command: Command): Command;
  close(): Promise<void>;
}

const prepare = 'mount --make-rprivate / && mount --make-rshared / && umount /sys/fs/cgroup/unified && echo ready && exec sleep infinity';

function isHybrid(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(' /sys/fs/cgroup/unified ');
}

export async function openHostNamespace(): Promise<HostNamespace> {
  if (!isHybrid() || process.getuid?.() !== 0) return { wrap: (command) => command, close: () => Promise.resolve() };
  const holder = spawn('unshare', ['-m', 'sh', '-c', prepare], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(() => {
      throw new Error('no private mount namespace could be made');
    }),
  ]);
  return {
    wrap: ({ program, args, ...rest }) => ({ program: 'nsenter', args: ['-t', String(holder.pid), '-m', '--', program, ...args], ...rest }),
    async close() {
      const exited = once(holder, 'exit');
      holder.kill('SIGKILL');
      await exited;
    },
  };
}
