import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const { locks, processes } = createLinuxSystem();
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selkie-locks-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('an exclusive lock excludes in one process, and flock(1) in another', () => {
  const path = join(folder, 'kind/one');
  const flock = () => spawnSync('flock', ['-n', path, 'true']).status;
  const lock = locks.tryAcquire(path);
  expect(lock).toBeDefined();
  expect(locks.tryAcquire(path)).toBeUndefined();
  expect(locks.tryAcquire(path, 'shared')).toBeUndefined();
  expect(flock()).toBe(1);
  lock?.release();
  lock?.release();
  expect(flock()).toBe(0);
  using again = locks.tryAcquire(path);
  expect(again).toBeDefined();
});

test('shared locks go together', () => {
  const path = join(folder, 'shared');
  using first = locks.tryAcquire(path, 'shared');
  using second = locks.tryAcquire(path, 'shared');
  expect(first && second).toBeDefined();
  expect(locks.tryAcquire(path)).toBeUndefined();
});

test('a removed lock file does not split its holders', () => {
  const path = join(folder, 'removed');
  using old = locks.tryAcquire(path);
  expect(old).toBeDefined();
  unlinkSync(path);
  using fresh = locks.tryAcquire(path);
  expect(fresh).toBeDefined();
  expect(locks.tryAcquire(path)).toBeUndefined();
});

test('acquire waits, gives up in time, and can be cancelled', async () => {
  const path = join(folder, 'wait');
  const held = await locks.acquire(path);
  await expect(locks.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'timeout' });
  const abort = new AbortController();
  const cancelled = locks.acquire(path, { signal: abort.signal });
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  const waiting = locks.acquire(path);
  held.release();
  (await waiting).release();
});

test('the kernel releases the lock of a killed process', async () => {
  const path = join(folder, 'killed');
  const holder = processes.spawn('flock', [path, 'sh', '-c', 'echo held; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => holder.pipes[1]?.once('data', resolve));
  expect(locks.tryAcquire(path)).toBeUndefined();
  // flock(1) waits for its child, which has the descriptor too.
  const child = spawnSync('pgrep', ['-P', String(holder.pid)])
    .stdout.toString()
    .trim();
  processes.signal(Number(child), 'SIGKILL');
  processes.signal(holder.pid, 'SIGKILL');
  await holder.exited;
  (await locks.acquire(path, { timeoutMs: 5000 })).release();
});
