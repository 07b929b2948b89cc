import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { parseLimits } from '../../../src-main/system/linux/resource-limits.ts';

const { processes } = createLinuxSystem();

test('run collects output, status and signal', async () => {
  expect(await processes.run('sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'hello' })).toEqual({
    code: 3,
    signal: undefined,
    stdout: 'hello',
    stderr: 'err\n',
  });
  expect(await processes.run('sh', ['-c', 'kill -TERM $$'])).toMatchObject({ code: 143, signal: 'SIGTERM' });
});

test('run cuts output at the limit and replaces the environment', async () => {
  const result = await processes.run('sh', ['-c', 'printf 1234567890; echo "$ONLY-$HOME" >&2'], {
    maxOutputBytes: 4,
    environment: { ONLY: 'a' },
  });
  expect(result.stdout).toBe('1234');
  expect(result.stderr).toBe('a-\n');
});

test('run ends what takes too long, and what was cancelled', async () => {
  await expect(processes.run('sleep', ['60'], { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  const abort = new AbortController();
  const running = processes.run('sleep', ['60'], { signal: abort.signal });
  abort.abort();
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  await expect(processes.run('true', [], { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
});

test('run does not wait for a daemon that keeps the pipe open', async () => {
  const result = await processes.run('sh', ['-c', 'sleep 5 & echo $!']);
  processes.signal(Number(result.stdout), 'SIGKILL');
  expect(result.code).toBe(0);
});

test('a missing program is a missing tool, a missing folder is named', async () => {
  await expect(processes.run('selkie-no-such-program', [])).rejects.toMatchObject({
    code: 'missing-tool',
    details: { program: 'selkie-no-such-program' },
  });
  expect(() => processes.spawn('true', [], { stdio: [], workingDirectory: '/no/such' })).toThrow(
    expect.objectContaining({ code: 'not-found', message: expect.stringContaining('/no/such') as string }),
  );
});

test('spawn hands over pipes both ways and descriptors of ours', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'selkie-processes-'));
  const fd = openSync(join(folder, 'out'), 'w');
  try {
    const child = processes.spawn('sh', ['-c', 'read line <&3; echo "got $line" >&3; echo file >&4'], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', fd],
    });
    const pipe = child.pipes[3];
    if (!pipe) throw new Error('no pipe');
    pipe.write('hello\n');
    const [answer] = (await once(pipe, 'data')) as [Buffer];
    expect(answer.toString()).toBe('got hello\n');
    expect(await child.exited).toEqual({ code: 0, signal: undefined });
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('file\n');
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});

test('a start time names a process; a zombie is gone', async () => {
  const own = processes.startTime(process.pid);
  expect(own).toBeGreaterThan(0);
  const child = processes.spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore'], detached: true });
  expect(processes.startTime(child.pid)).toBeGreaterThanOrEqual(own ?? Number.POSITIVE_INFINITY);
  processes.signal(child.pid, 'SIGKILL');
  expect(await child.exited).toEqual({ code: 137, signal: 'SIGKILL' });
  expect(processes.startTime(child.pid)).toBeUndefined();
  processes.signal(child.pid, 'SIGTERM');
  expect(() => processes.signal(0, 'SIGTERM')).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('programs are found by PATH and never by a relative path', () => {
  expect(processes.find('sh')).toMatch(/^\/.*\/sh$/);
  expect(processes.find('/bin/sh')).toBe('/bin/sh');
  expect(processes.find('./sh')).toBeUndefined();
  expect(processes.find('/etc/passwd')).toBeUndefined();
});

test('limits are read, unlimited is infinite, a soft limit is raised', () => {
  const limits = parseLimits(`Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max processes             100                  96250                processes
Max open files            1024                 20000                files
`);
  expect(limits.get('cpu')).toEqual({ soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY });
  expect(limits.get('nofile')).toEqual({ soft: 1024, hard: 20000 });
  processes.raiseSoftLimit('core');
  const core = processes.resourceLimit('core');
  expect(core?.soft).toBe(core?.hard);
  expect(processes.resourceLimit('nonsense')).toBeUndefined();
});

test('a brief child gets its pipes and descriptors in the right places, default signals, and is reaped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'selkie-processes-'));
  const out = openSync(join(folder, 'out'), 'w');
  try {
    // `exec`: what is read is of the process that reads. Of its own process a shell shows blocked signals for as
    // long as it is about to start another program.
    const script = 'trap "" TERM; read line <&4; echo "got $line" >&4; (exec cat /proc/self/status) >&3; pwd >&3; exit 7';
    const child = processes.spawn('sh', ['-c', script], {
      stdio: ['ignore', 'ignore', 'inherit', out, 'pipe'],
      workingDirectory: folder,
      brief: true,
    });
    child.pipes[4]?.end('hello\n');
    const [answer] = (await once(child.pipes[4] ?? process.stdin, 'data')) as [Buffer];
    expect(answer.toString()).toBe('got hello\n');
    expect(await child.exited).toEqual({ code: 7, signal: undefined });
    const status = readFileSync(join(folder, 'out'), 'utf8');
    // The shell itself ignores 15; nothing is left ignored or blocked by us.
    expect(status).toMatch(/SigIgn:\t0+4000\n/);
    expect(status).toMatch(/SigBlk:\t0+\n/);
    expect(status.trim().endsWith(folder)).toBe(true);
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH');
  } finally {
    closeSync(out);
    rmSync(folder, { recursive: true });
  }
});

test('a brief child that nobody waits for leaves no zombie', async () => {
  const child = processes.spawn('true', [], { stdio: ['ignore'], brief: true });
  await expect.poll(() => existsSync(`/proc/${child.pid}`)).toBe(false);
});

test('a sealed program runs, cannot be written to, and follows its file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'selkie-processes-'));
  const program = join(folder, 'program');
  try {
    copyFileSync('/bin/echo', program);
    const sealed = processes.sealed(program);
    expect((await processes.run(sealed, ['hello'])).stdout).toBe('hello\n');
    expect(processes.sealed(program)).toBe(sealed);
    if (sealed !== program) expect(() => writeFileSync(sealed, 'x')).toThrow(/EPERM|ETXTBSY/);
    rmSync(program);
    copyFileSync('/bin/true', program);
    expect((await processes.run(processes.sealed(program), ['hello'])).stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
