import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { Checksum } from '../../../src-main/engine/adopt/checksum.ts';
import { findChange, layerTar } from '../../../src-main/engine/adopt/layer-tar.ts';
import { parseTarSplitLine, readTarSplit, tarBytesOf } from '../../../src-main/engine/adopt/tar-split.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import { Random } from '../../support/random.ts';

const { attributes } = createLinuxSystem();
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

function checksumOf(bytes: Uint8Array): Buffer {
  const checksum = new Checksum();
  checksum.update(bytes);
  return checksum.digest();
}

/** As tar-split's JSON packer writes them. */
const segment = (bytes: Buffer): object => ({ type: 2, payload: bytes.toString('base64'), position: 0 });
const file = (name: string, content: Buffer): object => ({
  type: 1,
  name,
  size: content.length,
  payload: checksumOf(content).toString('base64'),
});
const lines = (...entries: object[]): Buffer => Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));

describe('tar-split data', () => {
  let directory: string;
  let tarSplit: string;
  let diff: string;

  beforeEach(() => {
    directory = mkdtempSync('/tmp/selkie-tar-split-');
    tarSplit = join(directory, 'layer.tar-split.gz');
    diff = join(directory, 'diff');
    mkdirSync(diff);
    return () => {
      rmSync(directory, { recursive: true });
    };
  });

  const put = (name: string | Buffer, content: string | Buffer): void => {
    const path = Buffer.concat([Buffer.from(`${diff}/`), Buffer.from(name)]);
    if (typeof name === 'string') mkdirSync(dirname(path.toString()), { recursive: true });
    writeFileSync(path, content);
  };
  const assemble = async (): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of layerTar(attributes, { directory: diff, tarSplit })) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test('the checksum is Go’s crc64.ISO', () => {
    expect(checksumOf(Buffer.from('123456789')).toString('hex')).toBe('b90956c775a41001');
    expect(checksumOf(Buffer.alloc(0)).toString('hex')).toBe('0000000000000000');
  });

  test('bytes and files come in the order of the entries; names may be no UTF-8, links lead where they led in the container', async () => {
    const big = Buffer.alloc(2_500_000, 'big');
    put('a/b', 'content');
    put('usr/lib/big', big);
    symlinkSync('/usr/lib', join(diff, 'lib'));
    put(latin('caf\xe9'), 'bytes');
    const raw = {
      type: 1,
      name_raw: latin('./caf\xe9').toString('base64'),
      size: 5,
      payload: checksumOf(Buffer.from('bytes')).toString('base64'),
    };
    const empty = { type: 1, name: 'nothing/there', payload: null };
    writeFileSync(
      tarSplit,
      gzipSync(
        lines(
          segment(latin('<1>')),
          file('./a/b', Buffer.from('content')),
          segment(latin('<\xff>')),
          empty,
          file('lib/big', big),
          raw,
          segment(latin('<end>')),
        ),
      ),
    );
    const expected = Buffer.concat([latin('<1>content<\xff>'), big, latin('bytes<end>')]);
    expect((await assemble()).equals(expected)).toBe(true);
    expect(await tarBytesOf(tarSplit)).toBe(expected.length);
    expect((await findChange(attributes, { directory: diff, tarSplit }, undefined))?.message).toMatch(/tar-split data was changed/);
  });

  test.each<[string, () => void, RegExp]>([
    ['of another size', () => put('a/b', 'longer than it was'), /the file "a\/b" in it was changed: it has 18 bytes instead of 7/],
    ['missing', () => rmSync(join(diff, 'a/b')), /the file "a\/b" in it is missing/],
    [
      'a folder',
      () => {
        rmSync(join(diff, 'a/b'));
        mkdirSync(join(diff, 'a/b'));
      },
      /"a\/b" in it is no file any more/,
    ],
    [
      'a link',
      () => {
        rmSync(join(diff, 'a/b'));
        symlinkSync('/etc/passwd', join(diff, 'a/b'));
      },
      /"a\/b" in it is no file any more/,
    ],
  ])('a file that is %s is named', async (_what, change, message) => {
    put('a/b', 'content');
    writeFileSync(tarSplit, gzipSync(lines(file('a/b', Buffer.from('content')))));
    change();
    await expect(assemble()).rejects.toThrow(message);
    expect((await findChange(attributes, { directory: diff, tarSplit }, undefined))?.message).toMatch(message);
  });

  test('a file of the same size and other content is named by its checksum', async () => {
    put('a/b', 'c0ntent');
    writeFileSync(tarSplit, gzipSync(lines(file('a/b', Buffer.from('content')))));
    expect((await assemble()).toString()).toBe('c0ntent');
    expect(await findChange(attributes, { directory: diff, tarSplit }, undefined)).toMatchObject({
      code: 'corrupt',
      message: 'the file "a/b" in it was changed',
    });
  });

  test('no name leads out of the layer', async () => {
    writeFileSync(join(directory, 'secret'), 'secret!');
    symlinkSync('..', join(diff, 'up'));
    for (const name of ['../secret', 'up/secret', `${directory}/secret`]) {
      writeFileSync(tarSplit, gzipSync(lines(file(name, Buffer.from('secret!')))));
      await expect(assemble(), name).rejects.toMatchObject({ code: 'corrupt' });
    }
    const raw = { type: 1, name_raw: latin('\xff/../../secret').toString('base64'), size: 7, payload: '' };
    writeFileSync(tarSplit, gzipSync(lines(raw)));
    await expect(assemble()).rejects.toMatchObject({ code: 'corrupt' });
  });

  test.each([
    ['{', 'not JSON'],
    ['[]', 'malformed'],
    ['{"type":3}', 'malformed'],
    ['{"type":1,"name":"a","size":-1}', 'malformed'],
    ['{"type":1,"name":"a","size":1e300}', 'malformed'],
    ['{"type":2,"payload":"*"}', 'malformed'],
  ])('the line %s is refused', (line, words) => {
    expect(() => parseTarSplitLine(line)).toThrow(words);
  });

  test('a line without end is refused before it fills the memory', async () => {
    writeFileSync(tarSplit, gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a')));
    await expect(assemble()).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  test('what is not there, and what is cut off, is told', async () => {
    await expect(assemble()).rejects.toMatchObject({ code: 'not-found' });
    const whole = gzipSync(lines(segment(Buffer.alloc(100_000, 'x'))));
    writeFileSync(tarSplit, whole.subarray(0, whole.length - 20));
    await expect(assemble()).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('whatever the bytes are, it ends with parts or with a reason', async () => {
    const random = new Random(20261124);
    const content = Buffer.from('content');
    const entries = [segment(Buffer.alloc(600, 'h')), file('a/b', content), { type: 1, name: 'empty' }, segment(Buffer.alloc(1024))];
    put('a/b', content);
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const distorted = lines(...entries.map((entry) => (random.below(2) === 0 ? (random.distort(entry) as object) : entry)));
      const packed = random.below(2) === 0 ? gzipSync(random.damage(distorted)) : random.damage(gzipSync(distorted));
      writeFileSync(tarSplit, packed);
      try {
        await assemble();
      } catch (error) {
        if (!isEngineError(error)) throw error;
        expect(error.message).not.toMatch(/\n/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  test('the parts are those that the lines say', async () => {
    writeFileSync(tarSplit, gzipSync(lines(segment(latin('abc')), file('x', Buffer.from('12')))));
    const parts = [];
    for await (const part of readTarSplit(tarSplit)) parts.push(part);
    expect(parts).toEqual([
      { kind: 'bytes', bytes: latin('abc') },
      { kind: 'file', name: Buffer.from('x'), sizeBytes: 2, checksum: checksumOf(Buffer.from('12')) },
    ]);
    expect(gunzipSync(readFileSync(tarSplit)).toString().split('\n')).toHaveLength(3);
  });
});
