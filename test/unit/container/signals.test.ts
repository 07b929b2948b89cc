import { describe, expect, test } from 'vitest';
import { parseSignal, signalName } from '../../../src-main/engine/container/signals.ts';

describe('signals', () => {
  test.each([
    ['KILL', 9],
    ['SIGKILL', 9],
    ['sigterm', 15],
    ['15', 15],
    ['RTMIN+3', 37],
    ['SIGRTMIN', 34],
    ['SIGRTMAX-1', 63],
  ])('%s is %i', (text, number) => {
    expect(parseSignal(text)).toBe(number);
  });

  test.each(['', '0', '65', '-1', 'FOO', 'RTMIN+31', 'RTMAX+1', '9x', 'SIG'])('%j is none', (text) => {
    expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
  });

  test('names', () => {
    expect(signalName(15)).toBe('SIGTERM');
    expect(signalName(37)).toBe('37');
  });
});
