import { PassThrough } from 'node:stream';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reopenLog, resizeTerminal } from '../../../src-main/engine/monitor/control.ts';
import { SyncPipe } from '../../../src-main/engine/monitor/sync-pipe.ts';

describe('the sync pipe', () => {
  test('messages in any pieces, then the end', async () => {
    const stream = new PassThrough();
    const pipe = new SyncPipe(stream);
    stream.write('{"data": 4');
    const first = pipe.next();
    stream.write('2}\n{"data":-1,"message":"no\\nway"}\n');
    expect(await first).toEqual({ data: 42 });
    expect(await pipe.next()).toEqual({ data: -1, message: 'no\nway' });
    stream.end();
    expect(await pipe.next()).toBeUndefined();
  });

  test.each(['', 'nonsense\n', '{"data":"x"}\n', 'null\n', '[1]\n'])('%j is no message', async (text) => {
    const stream = new PassThrough();
    const pipe = new SyncPipe(stream);
    stream.end(text);
    expect(await pipe.next()).toBeUndefined();
  });

  test('a destroyed pipe ends the wait', async () => {
    const stream = new PassThrough();
    const pipe = new SyncPipe(stream);
    const waiting = pipe.next();
    stream.destroy();
    expect(await waiting).toBeUndefined();
  });
});

test('words for the ctl fifo; nobody there is no error', () => {
  const folder = mkdtempSync('/tmp/selkie-ctl-');
  try {
    expect(() => resizeTerminal(folder, 1, 2)).not.toThrow();
    const fifo = join(folder, 'ctl');
    execFileSync('mkfifo', [fifo]);
    expect(() => resizeTerminal(folder, 1, 2)).not.toThrow();
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    resizeTerminal(folder, 24, 1e9);
    resizeTerminal(folder, Number.NaN, -5);
    reopenLog(folder);
    const buffer = Buffer.alloc(100);
    expect(buffer.toString('latin1', 0, readSync(reader, buffer))).toBe('1 24 65535\n1 0 0\n2 0 0\n');
    closeSync(reader);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
