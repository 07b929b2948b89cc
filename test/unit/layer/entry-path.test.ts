import { expect, test } from 'vitest';
import { decodeName, isByteName, showName, toFsPath } from '../../../src-main/engine/layer/byte-name.ts';
import { cleanPath, whiteoutOf } from '../../../src-main/engine/layer/entry-path.ts';

test.each([
  ['a/b', 'a/b'],
  ['/a//./b/', 'a/b'],
  ['./', ''],
  ['/', ''],
  ['', ''],
  ['a/../b', 'b'],
  ['a/..', ''],
  ['..a/b..', '..a/b..'],
  ['...', '...'],
])('%j is %j', (raw, clean) => {
  expect(cleanPath(raw)).toBe(clean);
});

test.each(['..', '../a', '/..', 'a/../..', 'a/../../b', 'a\0b', 'x'.repeat(256), 'é'.repeat(128), 'a/'.repeat(2000)])(
  '%j is refused',
  (raw) => {
    expect(() => cleanPath(raw)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  },
);

test('whiteouts', () => {
  expect(whiteoutOf('a/.wh.b')).toEqual({ kind: 'hides', name: 'b' });
  expect(whiteoutOf('a/.wh..b')).toEqual({ kind: 'hides', name: '.b' });
  expect(whiteoutOf('a/.wh..wh..opq')).toEqual({ kind: 'opaque' });
  expect(whiteoutOf('.wh..wh.plnk/1.2')).toEqual({ kind: 'ignored' });
  expect(whiteoutOf('.wh..wh.aufs')).toEqual({ kind: 'ignored' });
  expect(whiteoutOf('a.wh.b')).toEqual({ kind: 'none' });
  for (const path of ['.wh.', 'a/.wh..', '.wh...', '.wh.a/b'])
    expect(() => whiteoutOf(path)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('names that are not UTF-8 keep their bytes', () => {
  const bytes = Buffer.from([0x64, 0xc3, 0xa9, 0x2f, 0xff, 0x61, 0xe9]);
  const name = decodeName(bytes);
  expect(toFsPath(name)).toEqual(bytes);
  expect(isByteName(name)).toBe(true);
  // The folder is UTF-8 and reads as such.
  expect(name.split('/')[0]).toBe('dé');
  expect(decodeName(Buffer.from('\ufffd'))).toBe('\ufffd');
  expect(toFsPath('é')).toBe('é');
});

test('names in messages are one short line', () => {
  expect(showName('a\nb\u001b[31m')).toBe('"a\\nb\\u001b[31m"');
  expect(showName('x'.repeat(1000)).length).toBeLessThan(170);
});
