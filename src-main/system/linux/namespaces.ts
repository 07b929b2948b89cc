import { closeSync, constants, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { withErrno } from '../errno.ts';
import { parseIdMap } from './identity.ts';
import { lastErrno, lastError, libc } from './libc.ts';
import type { IdRange, Mounts, Namespaces, Processes } from '../system.ts';

const cloneNewNet = 0x40000000;
/** Times 0.2 ms. */
const userPatience = 25_000;
const ownNetwork = '/proc/thread-self/ns/net';

/**
 * Goes into a new network namespace, pins it, and comes back, in one go: a namespace belongs to a thread, and nothing else runs on
 * this one meanwhile. A tenth of what a child costs. Answers false without the right to come back.
 */
function pinFromHere(mounts: Mounts, path: string): boolean {
  const home = openSync(ownNetwork, constants.O_RDONLY);
  try {
    // Going to where we are: allowed to those who may come back.
    if (libc().setns(home, cloneNewNet) < 0) return false;
    if (libc().unshare(cloneNewNet) < 0) throw lastError('make', `the network namespace ${path}`);
    try {
      mounts.mount(ownNetwork, path, '', ['bind']);
    } finally {
      if (libc().setns(home, cloneNewNet) < 0) returnFailed();
    }
    return true;
  } finally {
    closeSync(home);
  }
}

/** In the wrong network everything that this process does from now on would be wrong: a crash is what the store is made for. */
function returnFailed(): never {
  process.stderr.write(`Error: this process cannot return to its own network namespace: ${lastErrno()}\n`);
  process.abort();
}

/** Only who is in a user namespace makes a network that belongs to it. */
function pinOf(userNamespace: number, path: string, processes: Processes, mounts: Mounts): void {
  const user = `--user=/proc/${String(process.pid)}/fd/${String(userNamespace)}`;
  const child = processes.spawn('nsenter', [user, '--', 'unshare', '--net', '--', 'sleep', '60'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    brief: true,
  });
  try {
    waitForOwn('net', `/proc/${String(child.pid)}`);
    mounts.mount(`/proc/${String(child.pid)}/ns/net`, path, '', ['bind']);
  } finally {
    processes.signal(child.pid, 'SIGKILL');
    void child.exited;
  }
}

/** Until the child has gone into its own: a few milliseconds, which nobody tells the end of. */
function waitForOwn(kind: 'user' | 'net', folder: string): void {
  const ours = readlinkSync(`/proc/self/ns/${kind}`);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let left = userPatience; left > 0; left -= 1) {
    if (withErrno('make', `a ${kind} namespace`, () => readlinkSync(`${folder}/ns/${kind}`)) !== ours) return;
    Atomics.wait(cell, 0, 0, 0.2);
  }
  throw new EngineError('timeout', `make a ${kind} namespace: unshare(1) did not do it`, { fix: 'run `selkie system check`' });
}

/** The kernel takes no range that lies in two of ours, though they follow each other (user_namespaces(7)). */
function splitByOurs(ranges: readonly IdRange[], ours: readonly IdRange[]): IdRange[] {
  return ranges.flatMap((range) => {
    const { containerId, hostId, size } = range;
    const parts = ours.flatMap((one) => {
      const from = Math.max(hostId, one.containerId);
      const to = Math.min(hostId + size, one.containerId + one.size);
      return from < to ? [{ containerId: containerId + from - hostId, hostId: from, size: to - from }] : [];
    });
    // What is not ours at all is refused by the kernel as it was asked for.
    return parts.reduce((sum, part) => sum + part.size, 0) === size ? parts : [range];
  });
}

/** user_namespaces(7): ID-inside ID-outside length. */
function mapText(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerId, hostId, size }) => `${String(containerId)} ${String(hostId)} ${String(size)}\n`).join('');
}

export function linuxNamespaces(processes: Processes, mounts: Mounts): Namespaces {
  return {
    async createNetwork(path, { userNamespace } = {}) {
      withErrno('create', path, () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
        closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0o444));
      });
      try {
        if (userNamespace !== undefined) {
          pinOf(userNamespace, path, processes, mounts);
          return;
        }
        if (pinFromHere(mounts, path)) return;
        // Rootless, a thread that left the host's network could never come back: a child makes and pins it.
        const result = await processes.run('unshare', [`--net=${path}`, 'true']);
        if (result.code !== 0) {
          throw new EngineError('runtime-failed', `make the network namespace ${path}: ${result.stderr.trim() || `status ${result.code}`}`);
        }
      } catch (error) {
        mounts.unmount(path, { detach: true });
        rmSync(path, { force: true });
        throw error;
      }
    },

    openUser(uids, gids) {
      const child = processes.spawn('unshare', ['--user', '--', 'sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore'], brief: true });
      const folder = `/proc/${String(child.pid)}`;
      try {
        waitForOwn('user', folder);
        withErrno('map the ids of', 'a user namespace', () => {
          for (const [kind, ranges] of [
            ['uid', uids],
            ['gid', gids],
          ] as const)
            writeFileSync(
              `${folder}/${kind}_map`,
              mapText(splitByOurs(ranges, parseIdMap(readFileSync(`/proc/self/${kind}_map`, 'utf8')))),
            );
        });
        const descriptor = openSync(`${folder}/ns/user`, constants.O_RDONLY);
        return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
      } finally {
        processes.signal(child.pid, 'SIGKILL');
        void child.exited;
      }
    },

    async userMapsOf(path) {
      const enter = [`--user=${path}`, '--preserve-credentials', '--'];
      const trial = await processes.run('nsenter', [...enter, 'true']);
      if (trial.code !== 0)
        throw new EngineError('invalid-argument', `join the user namespace ${path}: ${trial.stderr.trim() || `status ${trial.code}`}`);
      // A map is told in the terms of who looks at it.
      const child = processes.spawn('nsenter', [...enter, 'sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore'], brief: true });
      const folder = `/proc/${String(child.pid)}`;
      try {
        waitForOwn('user', folder);
        const read = (kind: 'uid' | 'gid'): IdRange[] =>
          withErrno('read', `the ${kind}s of ${path}`, () => parseIdMap(readFileSync(`${folder}/${kind}_map`, 'utf8')));
        return { uids: read('uid'), gids: read('gid') };
      } finally {
        processes.signal(child.pid, 'SIGKILL');
        void child.exited;
      }
    },

    removeNetwork(path) {
      mounts.unmount(path, { detach: true });
      withErrno('remove', path, () => rmSync(path, { force: true }));
    },
  };
}
