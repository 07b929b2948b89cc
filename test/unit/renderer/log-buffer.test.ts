import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { segmentsOf } from '../../../src-renderer/features/containers/ansi.ts';
import { LogBuffer, LogMatches, toLine } from '../../../src-renderer/features/containers/log-buffer.ts';
import { LogReader, type PageRequest } from '../../../src-renderer/features/containers/log-reader.ts';

const encoder = new TextEncoder();
function entry(text: string | Uint8Array<ArrayBuffer>, partial = false, source: LogEntry['source'] = 'stdout'): LogEntry {
  return { timestamp: '2026-11-24T05:00:00.123456789Z', source, bytes: typeof text === 'string' ? encoder.encode(text) : text, partial };
}
const textsOf = (buffer: LogBuffer) => Array.from({ length: buffer.length }, (_, index) => buffer.line(buffer.first + index)?.text);

describe('the buffer of a log', () => {
  test('joins what conmon has split, each source for itself', () => {
    const buffer = new LogBuffer();
    buffer.append([entry('one ', true), entry('err', false, 'stderr'), entry('line'), entry('two')]);
    expect(textsOf(buffer)).toEqual(['err', 'one line', 'two']);
  });

  test('a character that is split between two entries is whole again', () => {
    const bytes = encoder.encode('海豹');
    const buffer = new LogBuffer();
    buffer.append([entry(bytes.subarray(0, 4), true), entry(bytes.subarray(4))]);
    expect(textsOf(buffer)).toEqual(['海豹']);
  });

  test('is bounded, and counts what it lets go of', () => {
    const buffer = new LogBuffer(100);
    buffer.append(Array.from({ length: 150 }, (_, index) => entry(`line ${index}`)));
    expect(buffer.length).toBe(90);
    expect(buffer.dropped).toBe(true);
    expect([buffer.first, buffer.end]).toEqual([60, 150]);
    expect(buffer.line(60)?.text).toBe('line 60');
    expect(buffer.line(59)).toBeUndefined();
  });

  test('takes older lines before its first, whose number stays, and no more than it may', () => {
    const buffer = new LogBuffer(6);
    buffer.append([entry('be', true), entry('gun')]);
    buffer.prepend([entry('older '), entry('cut', true, 'stderr')]);
    expect(textsOf(buffer)).toEqual(['older ', 'cut', 'begun']);
    expect(buffer.line(0)?.text).toBe('begun');
    buffer.prepend(Array.from({ length: 5 }, (_, index) => entry(`oldest ${index}`)));
    expect(textsOf(buffer)).toEqual(['oldest 2', 'oldest 3', 'oldest 4', 'older ', 'cut', 'begun']);
    expect(buffer.dropped).toBe(true);
    // There must not be a gap.
    buffer.prepend([entry('before all')]);
    expect(buffer.length).toBe(6);
  });

  test('shows of control characters nothing, and of a progress display its last state', () => {
    expect(toLine('\u001b[31mred\u001b[0m \u0007bell\u0000\n', '', 'stdout').text).toBe('red bell');
    expect(toLine('10%\r50%\r100%\r\n', '', 'stdout').text).toBe('100%');
    expect(toLine('\u001b]0;title\u0007text', '', 'stdout').text).toBe('text');
    expect(toLine('plain', '', 'stdout').colored).toBeUndefined();
  });

  test('colours become classes, and never more', () => {
    expect(segmentsOf('\u001b[1;31mERR\u001b[0m rest\u001b[2K\u001b[38;5;31mx\u001b[91my')).toEqual([
      { at: 7, text: 'ERR', className: 'ansi-1 ansi-bold' },
      { at: 14, text: ' rest', className: '' },
      { at: 33, text: 'x', className: '' },
      { at: 39, text: 'y', className: 'ansi-9' },
    ]);
  });
});

describe('search', () => {
  const found = (matches: LogMatches, buffer: LogBuffer) => matches.lines.map((line) => buffer.line(line)?.text);

  test('finds in new lines and in older ones without looking at the others again', () => {
    const buffer = new LogBuffer();
    const matches = new LogMatches('ERROR');
    buffer.append([entry('an error'), entry('fine')]);
    matches.extend(buffer);
    buffer.append([entry('Error again')]);
    matches.extend(buffer);
    matches.extend(buffer);
    expect(matches.lines).toEqual([0, 2]);
    buffer.prepend([entry('fine'), entry('the first error'), entry('fine')]);
    buffer.append([entry('the last error')]);
    matches.extend(buffer);
    matches.extend(buffer);
    expect(matches.lines).toEqual([-2, 0, 2, 3]);
    expect(found(matches, buffer)).toEqual(['the first error', 'an error', 'Error again', 'the last error']);
  });

  test('goes to the first match from a line on, else to the nearest before it', () => {
    const buffer = new LogBuffer();
    const matches = new LogMatches('hit');
    expect(matches.firstFrom(0)).toBe(0);
    buffer.append(['hit', '', 'hit', ''].map((text) => entry(text)));
    matches.extend(buffer);
    expect([0, 1, 2, 3].map((line) => matches.firstFrom(line))).toEqual([0, 1, 1, 1]);
  });

  test('keeps to the right lines when the beginning was let go of', () => {
    const buffer = new LogBuffer(10);
    const matches = new LogMatches('7');
    for (let index = 0; index < 20; index++) {
      buffer.append([entry(`line ${index}`)]);
      matches.extend(buffer);
    }
    expect(found(matches, buffer)).toEqual(['line 17']);
  });
});

describe('the reader of a log', () => {
  const opened = Date.parse('2026-11-24T05:00:00Z');
  const at = (ms: number, text: string, position?: string): LogEntry => ({
    ...entry(text),
    timestamp: new Date(opened + ms).toISOString(),
    ...(position === undefined ? {} : { position }),
  });

  test('asks for pages before the first line until there is none, one at a time', async () => {
    const asked: PageRequest[] = [];
    const pages = [[at(-3, 'b', '1-20'), at(-2, 'c')], [at(-4, 'a')]];
    const reader = new LogReader((request) => {
      asked.push(request);
      return Promise.resolve(pages.shift() ?? []);
    }, opened);
    const changes: string[] = [];
    const changed = () => changes.push(reader.older);
    expect(reader.older).toBe('none');
    reader.append([at(-1, 'd', '1-40')]);
    expect(reader.older).toBe('some');
    await Promise.all([reader.loadOlder(7, changed), reader.loadOlder(7, changed)]);
    await reader.loadOlder(7, changed);
    await reader.loadOlder(7, changed);
    expect(asked).toEqual([
      { tail: 7, before: '1-40' },
      { tail: 7, before: '1-20' },
    ]);
    expect(changes).toEqual(['loading', 'some', 'loading', 'none']);
    expect(textsOf(reader.buffer)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a page that cannot be read is told once', async () => {
    const reader = new LogReader(() => Promise.reject(new Error('no')), opened);
    reader.append([at(-1, 'd', '1-40')]);
    await expect(reader.loadOlder(7, () => undefined)).rejects.toThrow('no');
    expect(reader.older).toBe('none');
  });

  test('lines from before it was opened are not new, in whatever portions they come', () => {
    const reader = new LogReader(() => Promise.resolve([]), opened);
    reader.append([at(-9, 'a'), at(-8, 'b')]);
    expect(reader.newFrom).toBe(2);
    reader.append([at(-7, 'c'), at(1, 'd'), at(2, 'e')]);
    reader.append([at(3, 'f')]);
    expect(reader.newFrom).toBe(3);
    expect(reader.buffer.end).toBe(6);
  });
});
