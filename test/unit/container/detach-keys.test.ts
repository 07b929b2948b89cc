import { describe, expect, test } from 'vitest';
import { DetachScanner, parseDetachKeys } from '../../../src-main/engine/container/detach-keys.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe('detach keys', () => {
  test('are read as Podman writes them', () => {
    expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
    expect([...parseDetachKeys('a,ctrl-@,ctrl-[')]).toEqual([97, 0, 27]);
    expect([...parseDetachKeys('')]).toEqual([]);
    for (const wrong of ['ctrl-', 'ctrl-é', 'ab', 'a,,b', 'ctrl-1']) expect(() => parseDetachKeys(wrong)).toThrow('invalid detach keys');
  });

  test('are found across chunks; a beginning that comes to nothing is passed on', () => {
    const scanner = new DetachScanner(parseDetachKeys('ctrl-p,ctrl-q'));
    const scan = (chunk: string) => {
      const { bytes, detached } = scanner.scan(Buffer.from(chunk, 'latin1'));
      return [text(bytes), detached];
    };
    expect(scan('abc')).toEqual(['abc', false]);
    expect(scan('d\x10')).toEqual(['d', false]);
    expect(scan('e')).toEqual(['\x10e', false]);
    expect(scan('\x10\x10')).toEqual(['\x10', false]);
    expect(scan('\x11rest')).toEqual(['', true]);
  });

  test('a sequence that begins twice', () => {
    const scanner = new DetachScanner(parseDetachKeys('a,a,b'));
    const first = scanner.scan(Buffer.from('aaab!'));
    expect([text(first.bytes), first.detached]).toEqual(['a', true]);
  });

  test('nothing is held back or lost when no sequence comes: every split of a stream', () => {
    const stream = Buffer.from('xaabaacaab'.repeat(3));
    for (let size = 1; size <= stream.length; size += 1) {
      const scanner = new DetachScanner(parseDetachKeys('a,a,d'));
      let out = '';
      for (let at = 0; at < stream.length; at += size) out += text(scanner.scan(stream.subarray(at, at + size)).bytes);
      expect(out).toBe(stream.toString());
    }
  });
});
