/** Podman with roots of its own, so that it neither sees nor leaves anything on the host. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostNamespace } from '../host-namespace.ts';
import { output, type Command } from '../measure.ts';
import { which } from '../which.ts';

export interface Podman {
  readonly version: string;
  command(...args: readonly string[]): Command;
  /** With a store of its own: for pulls, where nothing may be there yet. */
  freshCommand(...args: readonly string[]): Command;
  /** `podman run` and options that a host without CAP_SYS_RESOURCE needs. */
  run(...args: readonly string[]): Command;
  close(): Promise<void>;
}

/** Podman's default rlimits may lie above the hard limits of this host, which crun answers with EPERM. */
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000', '--ulimit', 'memlock=65536:65536'];

export async function openPodman(directory: string, namespace: HostNamespace): Promise<Podman | undefined> {
  const program = which('podman');
  if (program === undefined) return undefined;
  let stores = 0;
  const made: string[] = [];
  const commandIn = (store: string, args: readonly string[]): Command => {
    const root = join(directory, store);
    mkdirSync(root, { recursive: true });
    if (!made.includes(store)) made.push(store);
    const own = ['--root', join(root, 'graph'), '--runroot', join(root, 'run'), '--tmpdir', join(root, 'tmp')];
    return namespace.wrap({
      program,
      args: [
        ...own,
        '--cgroup-manager',
        'cgroupfs',
        '--events-backend',
        'file',
        '--network-config-dir',
        join(directory, 'networks'),
        ...args,
      ],
    });
  };
  mkdirSync(join(directory, 'networks'), { recursive: true });
  const command = (...args: readonly string[]): Command => commandIn('store', args);
  const version = (await output(command('--version'))).replace(/^podman version /, '');
  return {
    version,
    command,
    freshCommand: (...args) => commandIn(`pull${stores++}`, args),
    run: (...args) => command('run', ...limits, ...args),
    async close() {
      for (const store of made) {
        const root = join(directory, store);
        await output(commandIn(store, ['rm', '--all', '--force', '--time', '0'])).catch(() => undefined);
        // Its overlay stays mounted on itself.
        await output(namespace.wrap({ program: 'umount', args: ['-l', join(root, 'graph/overlay')] })).catch(() => undefined);
        await output({ program: 'rm', args: ['-rf', root] });
      }
    },
  };
}
