import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { segmentsOf } from '../../../src-renderer/features/containers/ansi.ts';
import { LogBuffer, LogMatches, toLine } from '../../../src-renderer/features/containers/log-buffer.ts';

const encoder = new TextEncoder();
function entry(text: string | Uint8Array<ArrayBuffer>, partial = false, source: LogEntry['source'] = 'stdout'): LogEntry {
  return { timestamp: '2026-11-24T05:00:00.123456789Z', source, bytes: typeof text === 'string' ? encoder.encode(text) : text, partial };
}
const textsOf = (buffer: LogBuffer) => Array.from({ length: buffer.length }, (_, index) => buffer.at(index)?.text);

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
    expect(buffer.dropped).toBe(60);
    expect(buffer.at(0)?.text).toBe('line 60');
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
  test('finds in new lines without looking at the old ones again', () => {
    const buffer = new LogBuffer();
    const matches = new LogMatches('ERROR');
    buffer.append([entry('an error'), entry('fine')]);
    matches.extend(buffer);
    buffer.append([entry('Error again')]);
    matches.extend(buffer);
    matches.extend(buffer);
    expect(matches.indices).toEqual([0, 2]);
    expect(matches.firstFrom(1)).toBe(1);
    expect(matches.firstFrom(3)).toBe(0);
  });

  test('keeps to the right lines when the beginning was let go of', () => {
    const buffer = new LogBuffer(10);
    const matches = new LogMatches('7');
    for (let index = 0; index < 20; index++) {
      buffer.append([entry(`line ${index}`)]);
      matches.extend(buffer);
    }
    expect(matches.indices.map((index) => buffer.at(index)?.text)).toEqual(['line 17']);
  });
});
