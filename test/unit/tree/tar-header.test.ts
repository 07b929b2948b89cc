import { describe, expect, test } from 'vitest';
import { type Header, decimalSeconds, encodeHeader, trailer } from '../../../src-main/engine/tree/tar-header.ts';
import { TarReader } from '../../../src-main/engine/layer/layer.ts';
import type { TarEntry } from '../../../src-main/engine/layer/tar-entry.ts';

const usual: Header = { path: Buffer.from('name'), flag: '0', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeNs: 0n };

/** By our own reader, which was written from the specifications for archives of others. */
function read(header: Partial<Header>): TarEntry {
  const found: TarEntry[] = [];
  const reader = new TarReader({ begin: (entry) => found.push(entry), data: () => undefined, end: () => undefined });
  const size = header.sizeBytes ?? 0;
  reader.push(Buffer.concat([encodeHeader({ ...usual, ...header }), Buffer.alloc(Math.min(size, 1024)), trailer]));
  const [entry] = found;
  if (!entry) throw new Error('nothing was read');
  return entry;
}

describe('headers', () => {
  test('what ustar can say needs one block', () => {
    expect(
      encodeHeader({
        ...usual,
        path: Buffer.from('d/'.repeat(50)),
        mode: 0o6755,
        uid: 0o7777777,
        gid: 5,
        mtimeNs: 1_700_000_000_000_000_000n,
      }),
    ).toHaveLength(512);
    expect(read({ mode: 0o106755, uid: 7, gid: 8 })).toMatchObject({ path: 'name', mode: 0o6755, uid: 7, gid: 8, type: 'file' });
    expect(read({ flag: '3', device: [1, 3] })).toMatchObject({ type: 'character-device', deviceMajor: 1, deviceMinor: 3 });
  });

  test('names of any length and bytes', () => {
    for (const name of ['é', 'x'.repeat(101), `${'long/'.repeat(800)}name`, 'a\nb=c'])
      expect(read({ path: Buffer.from(name), flag: '2', target: Buffer.from(`${name}/target`) })).toMatchObject({
        path: name,
        linkPath: `${name}/target`,
      });
    const odd = Buffer.concat([Buffer.from([0x6e, 0xff]), Buffer.alloc(150, 0x78)]);
    expect(read({ path: odd }).path).toBe(`n\udcff${'x'.repeat(150)}`);
    expect(encodeHeader({ ...usual, path: Buffer.from([0x6e, 0xff]) })).toHaveLength(512);
  });

  test('times to the nanosecond, before 1970 and far from now', () => {
    for (const [ns, text] of [
      [1n, '0.000000001'],
      [-1n, '-0.000000001'],
      [-1_500_000_000n, '-1.5'],
      [1_700_000_000_120_000_000n, '1700000000.12'],
      [9_999_999_999_000_000_000n, '9999999999'],
    ] as const) {
      expect(decimalSeconds(ns)).toBe(text);
      const { seconds, nanoseconds } = read({ mtimeNs: ns }).mtime;
      expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toBe(ns);
    }
  });

  test('owners and sizes beyond their fields, attributes of any bytes', () => {
    expect(read({ uid: 4_000_000_000, gid: 0o10000000 })).toMatchObject({ uid: 4_000_000_000, gid: 0o10000000 });
    expect(read({ sizeBytes: 9 * 1024 ** 3 })).toMatchObject({ storedBytes: 9 * 1024 ** 3 });
    const value = Buffer.from([0, 10, 61, 255]);
    const { xattrs } = read({
      records: [
        ['SCHILY.xattr.user.x', value],
        ['LIBARCHIVE.xattr.user.a%3Db', value.toString('base64')],
      ],
    });
    expect(xattrs).toEqual(
      new Map([
        ['user.a=b', value],
        ['user.x', value],
      ]),
    );
  });
});
