import { expect, test } from 'vitest';
import { TarReader } from '../../../src-main/engine/layer/tar-reader.ts';
import type { TarEntry } from '../../../src-main/engine/layer/tar-reader.ts';
import { archive, base256, entry, gnuLong, oldSparse, pax } from '../../fixtures/layer/archive-writer.ts';
import type { HeaderFields } from '../../fixtures/layer/archive-writer.ts';

interface Read {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

function read(bytes: Buffer, pieceSize = bytes.length): Read[] {
  const found: Read[] = [];
  let content = Buffer.alloc(0);
  let current: TarEntry | undefined;
  const reader = new TarReader({
    begin(next) {
      current = next;
      content = Buffer.alloc(next.realSize);
    },
    data(chunk, position) {
      chunk.copy(content, position);
    },
    end() {
      if (current) found.push({ entry: current, content });
    },
  });
  for (let at = 0; at < bytes.length; at += pieceSize) reader.push(Buffer.from(bytes.subarray(at, at + pieceSize)));
  reader.finish();
  return found;
}

function only(...parts: (Buffer | HeaderFields)[]): TarEntry {
  const [first] = read(archive(...parts));
  if (!first) throw new Error('no entry');
  return first.entry;
}

const rich = archive(
  { name: 'd/', type: '5', mode: 0o1777 },
  { name: 'f', data: 'x'.repeat(1500), uid: 1000, gid: 2000 },
  pax([
    ['path', 'é/'.repeat(200)],
    ['SCHILY.xattr.user.a', Buffer.from([0, 255, 61, 10])],
  ]),
  { name: 'short', data: 'y' },
  oldSparse('sparse', 9000, [
    [0, 'a'],
    [1000, 'bb'],
    [2000, 'ccc'],
    [3000, 'd'],
    [4000, 'e'],
    [5000, 'f'],
  ]),
  gnuLong('L', 'n'.repeat(180)),
  gnuLong('K', 'l'.repeat(180)),
  { name: 'x', type: '2', link: 'y' },
);

test.each([1, 7, 511, 512, 513, 4096])('an archive means the same in pieces of %i bytes', (size) => {
  expect(read(rich, size)).toEqual(read(rich));
  expect(read(rich)).toHaveLength(5);
});

test('types, modes and owners', () => {
  expect(only({ name: 'a/', type: '5', mode: 0o104755, uid: 5, gid: 6 })).toMatchObject({
    type: 'directory',
    mode: 0o4755,
    uid: 5,
    gid: 6,
  });
  expect(only({ name: 'a', type: '7' }).type).toBe('file');
  expect(only({ name: 'a/', type: '\0' }).type).toBe('directory');
  expect(only({ name: 'a', type: '4', major: 8, minor: 1 })).toMatchObject({ type: 'block-device', deviceMajor: 8, deviceMinor: 1 });
});

test('numbers beyond octal, and before 1970', () => {
  const uid = 3_000_000_000;
  expect(only({ name: 'a', uid }).uid).toBe(uid);
  expect(only({ name: 'a', mtime: -5 }).mtime).toEqual({ seconds: -5, nanoseconds: 0 });
  expect(only(pax([['mtime', '-1.25']]), { name: 'a' }).mtime).toEqual({ seconds: -2, nanoseconds: 750_000_000 });
  expect(only(pax([['mtime', '1.1234567899']]), { name: 'a' }).mtime).toEqual({ seconds: 1, nanoseconds: 123_456_789 });
  expect(() => only({ name: 'a', size: base256(1n << 70n, 12) })).toThrow('out of range');
});

test('what has no data has none, whatever its size says', () => {
  expect(
    read(archive(entry({ name: 'a', type: '1', link: 'b', size: 4096 }), { name: 'c', data: 'x' })).map(({ entry: { path } }) => path),
  ).toEqual(['a', 'c']);
});

test('names: prefix, PAX over header, GNU over PAX, an empty value for none', () => {
  expect(only({ name: 'b', prefix: 'a' }).path).toBe('a/b');
  expect(only(pax([['path', 'p']]), gnuLong('L', 'g'), { name: 'h' }).path).toBe('g');
  expect(only(pax([['path', '']]), { name: 'h' }).path).toBe('h');
  expect(only(pax([['linkpath', 'p']]), { name: 'h', type: '2', link: 'x' }).linkPath).toBe('p');
});

test('global records hold for all that follow, but rename nothing', () => {
  const found = read(
    archive(
      pax(
        [
          ['mtime', '7.5'],
          ['path', 'all'],
          ['uid', '9'],
        ],
        'g',
      ),
      { name: 'a' },
      pax([['mtime', '8']]),
      { name: 'b' },
      pax([['uid', '10']], 'g'),
      { name: 'c' },
    ),
  ).map(({ entry: { path, mtime, uid } }) => [path, mtime.seconds, uid]);
  expect(found).toEqual([
    ['a', 7, 9],
    ['b', 8, 9],
    ['c', 7, 10],
  ]);
});

test('extended attributes are bytes; star’s spelling wins', () => {
  const { xattrs } = only(
    pax([
      ['SCHILY.xattr.user.a', Buffer.from([0, 1, 255])],
      ['LIBARCHIVE.xattr.user.a', 'eA=='],
      ['LIBARCHIVE.xattr.user.b%20c', Buffer.from('value').toString('base64')],
    ]),
    { name: 'a' },
  );
  expect(xattrs).toEqual(
    new Map([
      ['user.a', Buffer.from([0, 1, 255])],
      ['user.b c', Buffer.from('value')],
    ]),
  );
});

const sparseContent = Buffer.alloc(3000);
sparseContent.write('abc', 0);
sparseContent.write('def', 2000);
const map01: [string, string][] = [
  ['GNU.sparse.name', 's'],
  ['GNU.sparse.size', '3000'],
  ['GNU.sparse.map', '0,3,2000,3'],
];
const map00: [string, string][] = [
  ['GNU.sparse.size', '3000'],
  ['GNU.sparse.offset', '0'],
  ['GNU.sparse.numbytes', '3'],
  ['GNU.sparse.offset', '2000'],
  ['GNU.sparse.numbytes', '3'],
];
const map10: [string, string][] = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.name', 's'],
  ['GNU.sparse.realsize', '3000'],
];
test.each([
  [
    'old GNU',
    archive(
      oldSparse('s', 3000, [
        [0, 'abc'],
        [2000, 'def'],
      ]),
    ),
  ],
  ['PAX 0.0', archive(pax(map00), { name: 's', data: 'abcdef' })],
  ['PAX 0.1', archive(pax(map01), { name: 'GNUSparseFile.0/s', data: 'abcdef' })],
  ['PAX 1.0', archive(pax(map10), { name: 'GNUSparseFile.0/s', data: `${'2\n0\n3\n2000\n3\n'.padEnd(512, '\0')}abcdef` })],
])('a file with holes in the format %s', (_, bytes) => {
  for (const size of [bytes.length, 100]) {
    const [found] = read(bytes, size);
    expect(found?.entry.path).toBe('s');
    expect(found?.content.equals(sparseContent)).toBe(true);
  }
});

test('an archive may end without its marker, with one block of it, or with anything behind it', () => {
  const body = entry({ name: 'a', data: 'x' });
  for (const tail of [Buffer.alloc(0), Buffer.alloc(512), Buffer.concat([Buffer.alloc(1024), Buffer.from('signature')])])
    expect(read(Buffer.concat([body, tail]))).toHaveLength(1);
  expect(read(Buffer.alloc(0))).toEqual([]);
});
