import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LineCutter, parseLogLine } from '../../../src-main/engine/container/k8s-log.ts';
import { findSince, findTail } from '../../../src-main/engine/container/log-seek.ts';

const stamp = (index: number): string => new Date(1_700_000_000_000 + index * 1000).toISOString().replace('Z', '000000+00:00');

describe('a k8s-file log', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'selkie-log-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const withFile = <T>(content: string | Uint8Array, use: (fd: number) => T): T => {
    const path = join(directory, 'log');
    writeFileSync(path, content);
    const fd = openSync(path, 'r');
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  };

  test('records: bytes stay bytes, parts are told, nonsense is left out', () => {
    const record = Buffer.concat([Buffer.from(`${stamp(0)} stderr P `), Buffer.from([0, 255, 32, 10])]);
    const [line] = [...new LineCutter().cut(record)];
    const entry = line && parseLogLine(line);
    expect(entry).toMatchObject({ timestamp: stamp(0), source: 'stderr', partial: true });
    expect([...(entry?.bytes ?? [])]).toEqual([0, 255, 32]);
    for (const wrong of ['', 'x', `${stamp(0)} stdout`, `${stamp(0)} stdout X a`, `${stamp(0)} stdin F a`, `${stamp(0)} stdout FF a`])
      expect(parseLogLine(new Uint8Array(Buffer.from(wrong)))).toBeUndefined();
    expect(parseLogLine(new Uint8Array(Buffer.from(`${stamp(0)} stdout F `)))?.bytes).toHaveLength(0);
  });

  test('lines are the same however the stream is cut', () => {
    const whole = Buffer.from('one\ntwo\n\nthree\nrest');
    for (let size = 1; size <= whole.length; size += 1) {
      const cutter = new LineCutter();
      const lines: string[] = [];
      for (let at = 0; at < whole.length; at += size)
        for (const line of cutter.cut(new Uint8Array(whole.subarray(at, at + size)))) lines.push(Buffer.from(line).toString());
      expect(lines).toEqual(['one', 'two', '', 'three']);
      expect(cutter.pendingBytes).toBe(4);
    }
  });

  // Against the plain way: all lines, the last so many.
  test.each([0, 1, 2, 3, 7, 5000])('the last lines of %i are found from the end', (count) => {
    const records: string[] = [];
    const lineStarts: number[] = [0];
    let size = 0;
    for (let index = 0; index < count; index += 1) {
      const partial = index % 3 === 1 && index < count - 1;
      const record = `${stamp(index)} stdout ${partial ? 'P' : 'F'} ${'x'.repeat((index * 37) % 900)}\n`;
      records.push(record);
      size += record.length;
      if (!partial) lineStarts.push(size);
    }
    const lines = lineStarts.length - 1;
    withFile(records.join(''), (fd) => {
      for (const wanted of [0, 1, 2, 3, 10, 100, lines - 1, lines, lines + 1].filter((each) => each >= 0))
        expect([wanted, findTail(fd, wanted)]).toEqual([wanted, lineStarts[Math.max(0, lines - wanted)]]);
    });
  });

  test('an unfinished last line counts', () => {
    const content = `${stamp(0)} stdout F a\n${stamp(1)} stdout P b\n`;
    withFile(content, (fd) => expect(findTail(fd, 1)).toBe(content.indexOf('\n') + 1));
  });

  test('a time is found by bisection: never too late, at most a block too early', () => {
    const record = (index: number): string => `${stamp(index)} stdout F ${'y'.repeat(100)}\n`;
    const length = record(0).length;
    withFile(Array.from({ length: 20_000 }, (_, index) => record(index)).join(''), (fd) => {
      for (const index of [0, 1, 500, 9_999, 19_999, 30_000]) {
        const offset = findSince(fd, 1_700_000_000_000 + index * 1000);
        expect(offset % length).toBe(0);
        expect(offset).toBeLessThanOrEqual(index * length);
        expect(Math.min(index, 20_000) * length - offset).toBeLessThanOrEqual(2 * 64 * 1024);
      }
    });
  });
});
