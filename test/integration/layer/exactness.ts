import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { archive, gnuLong, oldSparse, pax } from '../../fixtures/layer/archive-writer.ts';
import { digestOf, rootless, system } from './sandbox.ts';
import type { Sandbox } from './sandbox.ts';

export interface LayerCase {
  readonly name: string;
  readonly run: (sandbox: Sandbox) => Promise<void>;
}

const text = (path: string): string => readFileSync(path, 'utf8');
const isWhiteout = (path: string): boolean => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;

export const exactnessCases: readonly LayerCase[] = [
  {
    name: 'owners, modes with set-id and sticky bits, and times to the nanosecond',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(
        archive(
          { name: './', type: '5', mode: 0o751, mtime: 1000 },
          { name: 'd/', type: '5', mode: 0o3775, gid: 50, mtime: 2000 },
          { name: 'd/suid', data: 'x', mode: 0o6755, uid: 33, gid: 34 },
          { name: 'd/none', data: 'x', mode: 0 },
          { name: 'd/open', data: 'x', mode: 0o666 },
          pax([['mtime', '1700000000.123456789']]),
          { name: 'd/fine', data: 'x' },
          pax([['mtime', '-1.5']]),
          { name: 'd/old', data: 'x' },
          { name: 'd/link', type: '2', link: 'suid', uid: 5, gid: 6, mtime: 3000 },
          { name: 'd/fifo', type: '6', mode: 0o620, uid: 7, mtime: 4000 },
        ),
      );
      const see = (name: string) => {
        const { mode, uid, gid, mtimeNs } = lstatSync(join(diff, name), { bigint: true });
        return [Number(mode & 0o7777n), Number(uid), Number(gid), mtimeNs];
      };
      assert.deepEqual(see('.'), [0o751, 0, 0, 1000_000_000_000n]);
      assert.deepEqual(see('d'), [0o3775, 0, 50, 2000_000_000_000n]);
      assert.deepEqual(see('d/suid').slice(0, 3), [0o6755, 33, 34]);
      // The folder's set-group-id bit does not spread to what is unpacked in it.
      assert.deepEqual(see('d/none').slice(0, 3), [0, 0, 0]);
      assert.equal(see('d/open')[0], 0o666);
      assert.equal(see('d/fine')[3], 1_700_000_000_123_456_789n);
      assert.equal(see('d/old')[3], -1_500_000_000n);
      assert.deepEqual(see('d/link').slice(1), [5, 6, 3000_000_000_000n]);
      assert.equal(readlinkSync(join(diff, 'd/link')), 'suid');
      assert.deepEqual(see('d/fifo'), [0o620, 7, 0, 4000_000_000_000n]);
      assert.ok(lstatSync(join(diff, 'd/fifo')).isFIFO());
    },
  },
  {
    name: 'extended attributes, except those that would deceive overlay',
    async run(sandbox) {
      const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
      const { diff } = await sandbox.unpack(
        archive(
          pax([
            ['SCHILY.xattr.user.note', Buffer.from([0, 255, 10])],
            ['SCHILY.xattr.security.capability', capability],
            ['SCHILY.xattr.trusted.overlay.redirect', '/etc'],
            ['SCHILY.xattr.user.overlay.redirect', '/etc'],
            ['SCHILY.xattr.user.overlay.whiteout', ''],
          ]),
          { name: 'f', data: 'x', uid: 9 },
          pax([
            ['SCHILY.xattr.user.overlay.opaque', 'y'],
            ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
            ['SCHILY.xattr.user.kept', 'k'],
          ]),
          { name: 'd/', type: '5' },
          pax([['SCHILY.xattr.user.no', 'x']]),
          { name: 's', type: '2', link: 'f' },
        ),
      );
      const { attributes } = system;
      assert.deepEqual(attributes.listXattrs(join(diff, 'f')).sort(), ['security.capability', 'user.note']);
      assert.deepEqual(Buffer.from(attributes.getXattr(join(diff, 'f'), 'user.note') ?? []), Buffer.from([0, 255, 10]));
      assert.deepEqual(
        Buffer.from(attributes.getXattr(join(diff, 'f'), 'security.capability') ?? []).subarray(4, 20),
        capability.subarray(4, 20),
      );
      assert.deepEqual(attributes.listXattrs(join(diff, 'd')), ['user.kept']);
      assert.deepEqual(attributes.listXattrs(join(diff, 's')), []);
    },
  },
  {
    name: rootless ? 'devices are left out, with the hard links to them' : 'devices',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(
        archive(
          { name: 'null', type: '3', major: 1, minor: 3, mode: 0o666 },
          { name: 'loop', type: '4', major: 7, minor: 300, mode: 0o660, gid: 6 },
          { name: 'again', type: '1', link: 'null' },
          { name: 'file', data: 'x' },
        ),
      );
      if (rootless) {
        assert.deepEqual(readdirSync(diff), ['file']);
        return;
      }
      assert.ok(lstatSync(join(diff, 'null')).isCharacterDevice());
      assert.equal(lstatSync(join(diff, 'null')).rdev, 0x103);
      assert.equal(lstatSync(join(diff, 'null')).mode & 0o7777, 0o666);
      assert.ok(lstatSync(join(diff, 'loop')).isBlockDevice());
      assert.equal(lstatSync(join(diff, 'loop')).rdev, ((300 & 0xff00) << 12) | (7 << 8) | (300 & 0xff));
      assert.equal(lstatSync(join(diff, 'again')).rdev, 0x103);
    },
  },
  {
    name: 'whiteouts hide what is below and nothing of their own layer, in whatever order',
    async run(sandbox) {
      const below = await sandbox.unpack(
        archive(
          ...['gone', 'file-first', 'file-last', 'in/inner', 'dir-first/old', 'dir-last/old', 'implied/old', 'opaque/old', 'link/old'].map(
            (name) => ({
              name,
              data: 'old',
            }),
          ),
        ),
      );
      const upper = await sandbox.unpack(
        archive(
          { name: '.wh.gone' },
          { name: 'file-first', data: 'new' },
          { name: '.wh.file-first' },
          { name: '.wh.file-last' },
          { name: 'file-last', data: 'new' },
          { name: 'in/.wh.inner' },
          { name: 'dir-first/', type: '5' },
          { name: 'dir-first/new', data: 'new' },
          { name: '.wh.dir-first' },
          { name: '.wh.dir-last' },
          { name: 'dir-last/', type: '5' },
          { name: 'dir-last/new', data: 'new' },
          { name: '.wh.implied' },
          { name: 'implied/new', data: 'new' },
          { name: 'opaque/new', data: 'new' },
          { name: 'opaque/.wh..wh..opq' },
          { name: '.wh.link' },
          { name: 'link', type: '2', link: 'opaque' },
          { name: '.wh.never' },
          { name: '.wh..wh.plnk/1', data: 'x' },
        ),
        below,
      );
      assert.ok(isWhiteout(join(upper.diff, 'gone')));
      assert.ok(isWhiteout(join(upper.diff, 'in/inner')));
      await sandbox.snapshots.createWritable('container', upper.chainId);
      const merged = sandbox.snapshots.mount('container');
      try {
        const expected = ['dir-first', 'dir-last', 'file-first', 'file-last', 'implied', 'in', 'link', 'opaque'];
        assert.deepEqual(readdirSync(merged).sort(), expected);
        for (const name of ['file-first', 'file-last', 'link/new']) assert.equal(text(join(merged, name)), 'new');
        for (const name of ['dir-first', 'dir-last', 'implied', 'opaque']) assert.deepEqual(readdirSync(join(merged, name)), ['new'], name);
        assert.deepEqual(readdirSync(join(merged, 'in')), []);
      } finally {
        sandbox.snapshots.unmount('container');
      }
    },
  },
  {
    name: 'an opaque root hides all layers below',
    async run(sandbox) {
      const below = await sandbox.unpack(archive({ name: 'old', data: 'x' }));
      const upper = await sandbox.unpack(archive({ name: 'new', data: 'x' }, { name: '.wh..wh..opq' }), below);
      assert.deepEqual(readdirSync(sandbox.snapshots.mount(upper.chainId)), ['new']);
      sandbox.snapshots.unmount(upper.chainId);
    },
  },
  {
    name: 'of several entries with one name the last counts',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(
        archive(
          { name: 'a', data: 'first' },
          { name: 'b', type: '1', link: 'a' },
          { name: 'a', data: 'second' },
          { name: 'file-then-dir', data: 'x' },
          { name: 'file-then-dir/', type: '5', mode: 0o700 },
          { name: 'file-then-dir/in', data: 'x' },
          { name: 'dir-then-file/', type: '5' },
          { name: 'dir-then-file/deep/in', data: 'x' },
          { name: 'dir-then-file', data: 'file' },
          { name: 'dir-then-link/in', data: 'x' },
          { name: 'dir-then-link', type: '2', link: 'file-then-dir' },
          { name: 'dir-then-link/through', data: 'x' },
          { name: 'twice/', type: '5', mode: 0o700 },
          { name: 'twice/in', data: 'x' },
          { name: 'twice/', type: '5', mode: 0o755 },
          { name: 'link', type: '2', link: 'a' },
          { name: 'link', data: 'no longer a link' },
          { name: 'self', data: 'x' },
          { name: 'self', type: '1', link: './self' },
          { name: 'fifo', data: 'x' },
          { name: 'fifo', type: '6' },
        ),
      );
      // The hard link keeps what it was made to.
      assert.deepEqual([text(join(diff, 'a')), text(join(diff, 'b'))], ['second', 'first']);
      assert.deepEqual(readdirSync(join(diff, 'file-then-dir')).sort(), ['in', 'through']);
      assert.equal(text(join(diff, 'dir-then-file')), 'file');
      assert.equal(readlinkSync(join(diff, 'dir-then-link')), 'file-then-dir');
      assert.equal(lstatSync(join(diff, 'twice')).mode & 0o777, 0o755);
      assert.deepEqual(readdirSync(join(diff, 'twice')), ['in']);
      assert.equal(text(join(diff, 'link')), 'no longer a link');
      assert.equal(text(join(diff, 'self')), 'x');
      assert.ok(lstatSync(join(diff, 'fifo')).isFIFO());
    },
  },
  {
    name: 'missing parents are made, absolute paths are relative to the root',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(archive({ name: '/a/b/c', data: 'x' }, { name: 'a/', type: '5', mode: 0o711, mtime: 77 }));
      assert.equal(text(join(diff, 'a/b/c')), 'x');
      assert.deepEqual([lstatSync(join(diff, 'a')).mode & 0o777, lstatSync(join(diff, 'a')).mtimeMs], [0o711, 77_000]);
      assert.equal(lstatSync(join(diff, 'a/b')).mode & 0o777, 0o755);
    },
  },
  {
    name: 'symlinks on the way are followed inside of the layer, whatever they say',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(
        archive(
          { name: 'absolute', type: '2', link: sandbox.base },
          { name: 'absolute/canary', data: 'inside' },
          { name: 'x/y/up', type: '2', link: '../../../../../../../..' },
          { name: `x/y/up${sandbox.canary}`, data: 'inside too' },
          { name: 'chain', type: '2', link: 'x/y/up/etc' },
          { name: 'chain/passwd', data: 'ours' },
          { name: 'chain/.wh.shadow' },
          { name: 'dangling', type: '2', link: '/not/there' },
          { name: 'dangling/made', data: 'x' },
          { name: 'hard', type: '1', link: 'absolute/canary' },
        ),
      );
      assert.equal(text(join(diff, sandbox.canary)), 'inside too');
      assert.equal(text(join(diff, 'hard')), 'inside too');
      assert.equal(text(join(diff, 'etc/passwd')), 'ours');
      assert.ok(isWhiteout(join(diff, 'etc/shadow')));
      assert.equal(text(join(diff, 'not/there/made')), 'x');
      assert.equal(text(sandbox.canary), 'untouched');
    },
  },
  {
    name: 'long names, and names that are not UTF-8',
    async run(sandbox) {
      const odd = Buffer.from([0x6e, 0xff, 0x61]);
      const path = (name: string | Buffer) => Buffer.concat([odd, Buffer.from('/'), Buffer.from(name)]);
      const { diff } = await sandbox.unpack(
        archive(
          { name: path(''), type: '5', mode: 0o750, mtime: 5 },
          pax([
            ['mtime', '6.25'],
            ['SCHILY.xattr.user.a', 'b'],
          ]),
          { name: path(odd), data: 'content' },
          pax([
            ['SCHILY.xattr.user.c', 'd'],
            ['mtime', '7.5'],
          ]),
          { name: path(Buffer.from([0xfe])), type: '5' },
          { name: path(Buffer.from([0xfd])), type: '6', mtime: 8 },
          { name: path(Buffer.from([0xfc])), type: '2', link: odd },
          { name: path(Buffer.concat([Buffer.from('.wh.'), odd, odd])) },
          { name: path('.wh..wh..opq') },
          pax([['path', path(Buffer.from([0xfb]))]]),
          { name: 'x', type: '1', link: path(odd) },
          gnuLong('L', `${'long/'.repeat(60)}name`),
          { name: 'x', data: 'far' },
        ),
      );
      const real = (...parts: Buffer[]) =>
        Buffer.concat([Buffer.from(`${diff}/`), odd, ...parts.flatMap((part) => [Buffer.from('/'), part])]);
      assert.equal(lstatSync(real()).mode & 0o777, 0o750);
      assert.equal(readFileSync(real(odd), 'utf8'), 'content');
      assert.equal(lstatSync(real(odd), { bigint: true }).mtimeNs, 6_250_000_000n);
      assert.equal(lstatSync(real(odd)).nlink, 2);
      assert.equal(lstatSync(real(Buffer.from([0xfe])), { bigint: true }).mtimeNs, 7_500_000_000n);
      assert.ok(lstatSync(real(Buffer.from([0xfd]))).isFIFO());
      assert.deepEqual(readlinkSync(real(Buffer.from([0xfc])), { encoding: 'buffer' }), odd);
      assert.ok(lstatSync(real(Buffer.concat([odd, odd]))).isCharacterDevice());
      assert.equal(text(join(diff, 'long/'.repeat(60), 'name')), 'far');
      assert.equal(existsSync(join(diff, '../alias')), false);
    },
  },
  {
    name: 'names that are not UTF-8 can be removed, and leave nothing when their layer is refused',
    async run(sandbox) {
      const odd = { name: Buffer.from([0x6e, 0xff]), data: 'x' };
      const { chainId, diff } = await sandbox.unpack(archive(odd));
      await sandbox.layers.remove(chainId);
      assert.equal(existsSync(diff), false);
      await sandbox.refuse('corrupt', sandbox.request(archive(odd, { name: '../x' })));
    },
  },
  {
    name: 'files with holes have them',
    async run(sandbox) {
      const size = 64 << 20;
      const { diff } = await sandbox.unpack(
        archive(
          oldSparse('old', size, [
            [0, 'head'],
            [size - 4, 'tail'],
          ]),
          pax([
            ['GNU.sparse.size', String(size)],
            ['GNU.sparse.map', `${String(size)},0`],
          ]),
          { name: 'empty' },
        ),
      );
      for (const name of ['old', 'empty']) {
        const { size: seen, blocks } = lstatSync(join(diff, name));
        assert.equal(seen, size);
        assert.ok(blocks < 100, `${name} has ${String(blocks)} blocks`);
      }
      const content = readFileSync(join(diff, 'old'));
      assert.deepEqual([content.toString('utf8', 0, 4), content.toString('utf8', size - 4), content[5000]], ['head', 'tail', 0]);
    },
  },
  {
    name: 'gzip, several members, zeros behind it, zstd, several frames, and plain are told by their first bytes',
    async run(sandbox) {
      const tar = archive({ name: 'a', data: 'x'.repeat(100_000) }, { name: 'b', data: 'y' });
      const halves = [tar.subarray(0, 50_000), tar.subarray(50_000)];
      const blobs = [
        tar,
        gzipSync(tar),
        Buffer.concat(halves.map((half) => gzipSync(half))),
        Buffer.concat([gzipSync(tar), Buffer.alloc(3000)]),
        zstdCompressSync(tar),
        Buffer.concat(halves.map((half) => zstdCompressSync(half))),
        Buffer.concat([Buffer.from('502a4d1804000000abcdabcd', 'hex'), zstdCompressSync(tar)]),
      ];
      for (const blob of blobs)
        for (const piece of [1_000_000, 999]) {
          const pieces = Array.from({ length: Math.ceil(blob.length / piece) }, (_, index) =>
            blob.subarray(index * piece, (index + 1) * piece),
          );
          const record = await sandbox.layers.unpack({
            parentChainId: undefined,
            diffId: digestOf(tar),
            blobDigest: digestOf(blob),
            source: Readable.from(pieces),
          });
          const diff = sandbox.snapshots.diffDirectory(record.chainId);
          assert.deepEqual([lstatSync(join(diff, 'a')).size, text(join(diff, 'b'))], [100_000, 'y']);
          assert.equal(record.sizeBytes, tar.length);
          await sandbox.layers.remove(record.chainId);
        }
    },
  },
  {
    name: 'a layer that does not speak of its root leaves it as it was',
    async run(sandbox) {
      const below = await sandbox.unpack(archive({ name: './', type: '5', mode: 0o1750, uid: 3, gid: 4 }));
      const upper = await sandbox.unpack(archive({ name: 'a', data: 'x' }), below);
      const { mode, uid, gid } = lstatSync(sandbox.snapshots.mount(upper.chainId));
      sandbox.snapshots.unmount(upper.chainId);
      assert.deepEqual([mode & 0o7777, uid, gid], [0o1750, 3, 4]);
    },
  },
  {
    name: 'an empty archive is an empty layer, and names that begin like whiteouts are names',
    async run(sandbox) {
      const { diff } = await sandbox.unpack(archive());
      assert.deepEqual(readdirSync(diff), []);
      const other = await sandbox.unpack(archive({ name: 'a.wh.b', data: 'x' }, { name: '.whatever', data: 'x' }));
      assert.deepEqual(readdirSync(other.diff).sort(), ['.whatever', 'a.wh.b']);
    },
  },
  {
    name: 'default access lists of a folder do not change what the archive says of its files',
    async run(sandbox) {
      // The one entry that gives others all rights, in the form of posix_acl_xattr.h.
      const acl = Buffer.from('0200000001000700ffffffff04000700ffffffff20000700ffffffff', 'hex');
      const { diff } = await sandbox.unpack(
        archive(pax([['SCHILY.xattr.system.posix_acl_default', acl]]), { name: 'd/', type: '5' }, { name: 'd/f', data: 'x', mode: 0o600 }),
      );
      assert.equal(lstatSync(join(diff, 'd/f')).mode & 0o777, 0o600);
      assert.ok(system.attributes.getXattr(join(diff, 'd'), 'system.posix_acl_default'));
    },
  },
];
