import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { createBlobStore, createDownloadStore } from '../../../src-main/engine/content/content.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

let graphRoot: string;
const system = createLinuxSystem();
beforeEach(() => {
  graphRoot = mkdtempSync('/tmp/selkie-content-');
});
afterEach(() => rmSync(graphRoot, { recursive: true }));

const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
const data = Buffer.alloc(3_000_000, 'selkie');
const digest = digestOf(data);

describe('blobs', () => {
  test('come back as they were, or not at all', () => {
    const blobs = createBlobStore({ graphRoot, system });
    expect(blobs.put(data)).toBe(digest);
    expect(blobs.put(data)).toBe(digest);
    expect(blobs.get(digest).equals(data)).toBe(true);
    expect(blobs.list()).toEqual([digest]);
    writeFileSync(join(graphRoot, 'content/blobs/sha256', digest.slice(7)), 'damaged');
    expect(() => blobs.get(digest)).toThrow(expect.objectContaining({ code: 'corrupt' }));
    expect(blobs.put(data)).toBe(digest);
    expect(blobs.find(digest)?.equals(data)).toBe(true);
    blobs.remove(digest);
    blobs.remove(digest);
    expect(blobs.find(digest)).toBeUndefined();
    expect(() => blobs.get(digest)).toThrow(expect.objectContaining({ code: 'not-found' }));
  });
});

describe('downloads', () => {
  const store = () => createDownloadStore({ graphRoot, runRoot: join(graphRoot, 'run'), system });
  const partials = (): string[] => readdirSync(join(graphRoot, 'content/partial'));

  test('readers follow, and see the end only after the digest was verified', async () => {
    await using download = await store().open(digest, data.length);
    const early = buffer(download.follow());
    let ended = false;
    void early.then(() => (ended = true));
    for (let at = 0; at < data.length; at += 700_000) await download.write(data.subarray(at, at + 700_000));
    expect(ended).toBe(false);
    await download.finish();
    expect((await early).equals(data)).toBe(true);
    expect((await buffer(download.follow())).equals(data)).toBe(true);
  });

  test('a reader that reads the file itself hears how far it is, also when the name has gone', async () => {
    await using download = await store().open(digest, data.length);
    const file = download.growing();
    const sizes: number[] = [];
    const heard = (async () => {
      for await (const size of file.sizes) sizes.push(size);
    })();
    for (let at = 0; at < data.length; at += 700_000) await download.write(data.subarray(at, at + 700_000));
    rmSync(join(graphRoot, 'content/partial', digest.slice(7)));
    await download.finish();
    await heard;
    expect(sizes.at(-1)).toBe(data.length);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(statSync(file.path).ino).toBe(file.inode);
    expect(readFileSync(file.path).equals(data)).toBe(true);
    file.destroy();
    file.destroy();
    const other = download.growing();
    expect(statSync(other.path).ino).toBe(file.inode);
    other.destroy();
  });

  test('what was written survives, and is hashed again', async () => {
    {
      await using first = await store().open(digest, data.length);
      await first.write(data.subarray(0, 1_500_000));
    }
    await using second = await store().open(digest, data.length);
    expect(second.offsetBytes).toBe(1_500_000);
    await second.write(data.subarray(1_500_000));
    await second.finish();
    expect(second.complete).toBe(true);
  });

  test('one writer at a time; the next finds it complete', async () => {
    const first = await store().open(digest, data.length);
    const second = store().open(digest, data.length);
    await first.write(data);
    await first.finish();
    await first[Symbol.asyncDispose]();
    await using after = await second;
    expect(after.complete).toBe(true);
    const reader = after.follow();
    // It has the file open: the name may go.
    await once(reader, 'readable');
    rmSync(join(graphRoot, 'content/partial', digest.slice(7)));
    expect((await buffer(reader)).equals(data)).toBe(true);
  });

  test('wrong, too long, too short', async () => {
    await using download = await store().open(digest, data.length);
    const reader = buffer(download.follow());
    await download.write(Buffer.alloc(data.length, 'other'));
    await expect(download.finish()).rejects.toMatchObject({ code: 'digest-mismatch' });
    await expect(reader).rejects.toMatchObject({ code: 'cancelled' });
    expect(partials()).toEqual([]);
    const other = digestOf(Buffer.from('x'));
    await using short = await store().open(other, 10);
    await short.write(Buffer.from('x'));
    await expect(short.finish()).rejects.toMatchObject({ code: 'corrupt' });
    await expect(short.write(Buffer.alloc(10))).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('leftovers: a damaged whole one starts over; old ones are swept unless in use', async () => {
    mkdirSync(join(graphRoot, 'content/partial'), { recursive: true });
    writeFileSync(join(graphRoot, 'content/partial', digest.slice(7)), Buffer.alloc(data.length));
    const downloads = store();
    const open = await downloads.open(digest, data.length);
    expect(open.offsetBytes).toBe(0);
    await open.write(data.subarray(0, 10));
    expect(downloads.sweep(-1000)).toEqual([]);
    await open[Symbol.asyncDispose]();
    expect(downloads.sweep(60_000)).toEqual([]);
    expect(downloads.sweep(-1000)).toEqual([digest]);
    expect(partials()).toEqual([]);
  });
});
