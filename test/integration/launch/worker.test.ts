import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openWorker, type WorkerEngine } from '../../../src-main/launch/launch.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const app = inject('app');
const { processes, locks } = createLinuxSystem();
let folder = '';
let pausePid = 0;
const lines: string[] = [];

beforeEach(() => {
  folder = mkdtempSync('/tmp/selkie-worker-');
  lines.length = 0;
});
afterEach(() => {
  const record = join(folder, 'tmp/pause.pid');
  if (existsSync(record)) pausePid = Number(readFileSync(record, 'utf8').split(' ')[0]);
  if (pausePid > 1) processes.signal(pausePid, 'SIGKILL');
  pausePid = 0;
  rmSync(folder, { recursive: true, force: true });
});

function open(more: { runtime?: string; root?: string } = {}): Promise<WorkerEngine> {
  return openWorker({
    options: { root: join(folder, 'graph'), runRoot: join(folder, 'run'), tmpDirectory: join(folder, 'tmp'), ...more },
    program: join(app ?? '', 'out/main/worker.js'),
    onLog: (line) => lines.push(line),
  });
}

describe.skipIf(app === undefined)('the worker (needs the built product)', () => {
  test('answers through its pipes, and ends when it is asked to', async () => {
    const engine = await open();
    expect(engine.greeting.engine).not.toBe('');
    const { host, store } = await engine.api.system.info({});
    expect(host.cgroupVersion).not.toBe('hybrid');
    expect(store.graphRoot).toBe(join(folder, 'graph'));
    await engine.close();
    await engine.closed;
    expect(processes.startTime(engine.pid)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('two share the store: what one changes, the other sees', async () => {
    const [left, right] = await Promise.all([open(), open()]);
    await left.api.volume.create({ name: 'shared', labels: {} });
    const volumes = await right.api.volume.list({});
    expect(volumes.map(({ name }) => name)).toEqual(['shared']);
    await Promise.all([left.close(), right.close()]);
  });

  test('a killed worker fails what is open, and is told', async () => {
    const engine = await open();
    const events = engine.api.event.watch({})[Symbol.asyncIterator]();
    const waiting = expect(events.next()).rejects.toMatchObject({ code: 'disconnected' });
    processes.signal(engine.pid, 'SIGKILL');
    await engine.closed;
    await waiting;
    await expect(engine.api.system.version({})).rejects.toMatchObject({ code: 'disconnected' });
    await engine.close();
  });

  test('one that cannot start says why', async () => {
    writeFileSync(join(folder, 'graph'), 'a file where the store should be');
    await expect(open()).rejects.toMatchObject({ code: 'disconnected', message: expect.stringContaining(join(folder, 'graph')) as string });
  });
});

describe.skipIf(app === undefined)('the clean-up script (needs the built product)', () => {
  const script = join(app ?? '', 'resources/bin/selkie-cleanup');
  const cleanUp = () => spawnSync(script, [join(folder, 'run'), join(folder, 'graph'), '--runtime=crun'], { encoding: 'utf8' });

  test('while an engine handles exits it ends at once, without starting anything', () => {
    mkdirSync(join(folder, 'run/locks'), { recursive: true });
    const lock = locks.tryAcquire(join(folder, 'run/locks/janitor'));
    expect(cleanUp()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(statSync(join(folder, 'graph'), { throwIfNoEntry: false })).toBeUndefined();
    lock?.release();
  });

  test('without one it does the work, and gives the lock back', () => {
    mkdirSync(join(folder, 'run/locks'), { recursive: true });
    expect(cleanUp()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(statSync(join(folder, 'graph/selkie.db')).isFile()).toBe(true);
    const lock = locks.tryAcquire(join(folder, 'run/locks/janitor'));
    expect(lock).toBeDefined();
    lock?.release();
  });

  test('a run root that is gone is no error: there is nothing to clean up', () => {
    expect(cleanUp()).toMatchObject({ status: 0, stderr: '' });
  });
});
