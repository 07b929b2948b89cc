/** What every snapshot store promises about the content of trees: nothing is lost or changed on the way from a layer to a container. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import type { System } from '../../src-main/system/system.ts';
import { addLayer, hide, layer, makeOpaque } from './snapshot-store.ts';
import type { SnapshotStoreCase } from './snapshot-store.ts';

export const treeCases: readonly SnapshotStoreCase[] = [
  {
    name: 'a container sees each file as the layer has it: owners, modes, times, attributes, hard links, holes, names',
    async run({ store, system }) {
      await addLayer(store, layer(1), undefined, (diff) => fillWithEverything(diff, system));
      const expected = describeTree(store.diffDirectory(layer(1)), system);
      assert.ok(Object.keys(expected).length > 12);
      // Another on top of it, so that vfs copies and overlay merges.
      await addLayer(store, layer(2), layer(1), (diff) => writeFileSync(join(diff, 'later'), ''));
      await store.createWritable('container', layer(2));
      const merged = store.mount('container');
      const { later, '': root, ...seen } = describeTree(merged, system);
      assert.ok(later && root);
      const { '': _, ...others } = expected;
      assert.deepEqual(seen, others);
      store.unmount('container');
    },
  },
  {
    name: 'layers are applied as overlay shows them: replaced kinds, opaque folders, whiteouts beside what replaces them',
    async run({ store, system }) {
      await addLayer(store, layer(1), undefined, (diff) => {
        for (const name of ['becomes-file', 'becomes-link', 'opaque', 'hidden-and-new', 'kept', 'metadata', 'kept/inner'])
          mkdirSync(join(diff, name));
        for (const name of [
          'becomes-folder',
          'becomes-file/x',
          'becomes-link/x',
          'opaque/old',
          'hidden-and-new/old',
          'kept/inner/a',
          'kept/b',
        ])
          writeFileSync(join(diff, name), 'below');
        symlinkSync('kept', join(diff, 'link-to-folder'));
        system.attributes.setXattr(join(diff, 'metadata'), 'user.below', Buffer.from('1'));
      });
      await addLayer(store, layer(2), layer(1), (diff) => {
        writeFileSync(join(diff, 'becomes-file'), 'above');
        symlinkSync('elsewhere', join(diff, 'becomes-link'));
        for (const name of [
          'becomes-folder',
          'opaque',
          'hidden-and-new',
          'kept',
          'kept/inner',
          'link-to-folder',
          'metadata',
          'fresh',
          'fresh/in',
        ])
          mkdirSync(join(diff, name));
        for (const name of ['becomes-folder/new', 'opaque/new', 'hidden-and-new/new', 'link-to-folder/new', 'fresh/in/new'])
          writeFileSync(join(diff, name), 'above');
        makeOpaque(store, system, join(diff, 'opaque'));
        makeOpaque(store, system, join(diff, 'hidden-and-new'));
        hide(store, system, join(diff, 'kept/inner'), 'a');
        // Of something that is not there.
        hide(store, system, join(diff, 'kept/inner'), 'nothing');
        chmodSync(join(diff, 'metadata'), 0o700);
        system.attributes.setTimes(join(diff, 'kept'), 1_000_000_001n, 2_000_000_002n);
      });
      await store.createWritable('container', layer(2));
      const merged = store.mount('container');
      assert.deepEqual(pathsIn(merged), [
        'becomes-file',
        'becomes-folder',
        'becomes-folder/new',
        'becomes-link',
        'fresh',
        'fresh/in',
        'fresh/in/new',
        'hidden-and-new',
        'hidden-and-new/new',
        'kept',
        'kept/b',
        'kept/inner',
        'link-to-folder',
        'link-to-folder/new',
        'metadata',
        'opaque',
        'opaque/new',
      ]);
      assert.equal(readFileSync(join(merged, 'becomes-file'), 'utf8'), 'above');
      assert.equal(readlinkSync(join(merged, 'becomes-link')), 'elsewhere');
      assert.equal(lstatSync(join(merged, 'metadata')).mode & 0o7777, 0o700);
      assert.deepEqual(ownXattrs(join(merged, 'metadata'), system), []);
      assert.equal(lstatSync(join(merged, 'kept'), { bigint: true }).mtimeNs, 2_000_000_002n);
      store.unmount('container');
    },
  },
  {
    name: 'what a container does to its tree is there after a remount, and its parent is as it was',
    async run({ store, system }) {
      await addLayer(store, layer(1), undefined, (diff) => {
        for (const name of ['folder', 'folder/inner', 'again', 'gone']) mkdirSync(join(diff, name));
        for (const name of ['folder/inner/file', 'again/old', 'gone/x', 'file', 'mode', 'a']) writeFileSync(join(diff, name), name);
        linkSync(join(diff, 'a'), join(diff, 'b'));
      });
      const before = describeTree(store.diffDirectory(layer(1)), system);
      await store.createWritable('container', layer(1));
      const merged = store.mount('container');
      move(join(merged, 'folder'), join(merged, 'moved'));
      rmSync(join(merged, 'gone'), { recursive: true });
      unlinkSync(join(merged, 'again/old'));
      rmdirSync(join(merged, 'again'));
      mkdirSync(join(merged, 'again'));
      writeFileSync(join(merged, 'again/new'), 'x');
      unlinkSync(join(merged, 'file'));
      chmodSync(join(merged, 'mode'), 0o4711);
      const changed = ['a', 'again', 'again/new', 'b', 'mode', 'moved', 'moved/inner', 'moved/inner/file'];
      assert.deepEqual(pathsIn(merged), changed);
      // Without times: fuse-overlayfs writes what it has cached a little later.
      const seen = describeTree(merged, system, { times: false });
      store.unmount('container');
      store.mount('container');
      assert.deepEqual(describeTree(merged, system, { times: false }), seen);
      store.unmount('container');
      assert.deepEqual(describeTree(store.diffDirectory(layer(1)), system), before);
    },
  },
  {
    name: 'the changes of a container can be told from what the store answers',
    async run({ store, system }) {
      await addLayer(store, layer(1), undefined, (diff) => {
        for (const name of ['again', 'same']) mkdirSync(join(diff, name));
        for (const name of ['again/old', 'same/file', 'gone', 'changed']) writeFileSync(join(diff, name), 'x');
      });
      await store.createWritable('container', layer(1));
      const merged = store.mount('container');
      unlinkSync(join(merged, 'gone'));
      writeFileSync(join(merged, 'changed'), 'y'.repeat(100_000));
      unlinkSync(join(merged, 'again/old'));
      rmdirSync(join(merged, 'again'));
      mkdirSync(join(merged, 'again'));
      writeFileSync(join(merged, 'new'), 'x');
      // While it is mounted, too.
      const whileMounted = toldChanges(store, system);
      assert.equal(readFileSync(join(store.diffDirectory('container'), 'changed'), 'utf8').length, 100_000);
      store.unmount('container');
      for (const told of [whileMounted, toldChanges(store, system)])
        assert.deepEqual(told, ['C again', 'C changed', 'A new', 'D again/old', 'D gone'].sort());
      const bytes = await store.diffBytes('container');
      assert.ok(bytes >= 100_000 && bytes < 160_000, String(bytes));
    },
  },
];

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // What mv(1) copes with: overlay does not rename a folder of a lower layer.
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    mkdirSync(to);
    for (const name of readdirSync(from)) {
      if (lstatSync(join(from, name)).isDirectory()) move(join(from, name), join(to, name));
      else {
        writeFileSync(join(to, name), readFileSync(join(from, name)));
        unlinkSync(join(from, name));
      }
    }
    rmdirSync(from);
  }
}

function fillWithEverything(diff: string, system: System): void {
  const { attributes, identity } = system;
  for (const folder of ['folder', 'folder/deep', 'sticky']) mkdirSync(join(diff, folder));
  chmodSync(join(diff, 'sticky'), 0o3777);
  writeFileSync(join(diff, 'plain'), 'text');
  writeFileSync(join(diff, 'set-id'), 'x');
  lchownSync(join(diff, 'set-id'), 11, 12);
  chmodSync(join(diff, 'set-id'), 0o6755);
  writeFileSync(join(diff, 'unreadable'), 'x');
  chmodSync(join(diff, 'unreadable'), 0);
  writeFileSync(join(diff, 'capable'), 'x');
  // VFS_CAP_REVISION_2 with CAP_NET_BIND_SERVICE, effective and permitted.
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  attributes.setXattr(join(diff, 'capable'), 'security.capability', capability);
  attributes.setXattr(join(diff, 'plain'), 'user.note', Buffer.from([0, 1, 255]));
  attributes.setXattr(join(diff, 'folder'), 'user.note', Buffer.from('folder'));
  linkSync(join(diff, 'plain'), join(diff, 'folder/deep/linked'));
  symlinkSync('../plain', join(diff, 'folder/symlink'));
  lchownSync(join(diff, 'folder/symlink'), 21, 22);
  attributes.makeFifo(join(diff, 'fifo'), 0o622);
  if (!identity.rootless) attributes.makeNode(join(diff, 'device'), 0o020666, 1, 3);
  const sparse = openSync(join(diff, 'sparse'), 'w');
  ftruncateSync(sparse, 1 << 30);
  writeSync(sparse, 'in the middle', 1 << 29);
  closeSync(sparse);
  writeFileSync(Buffer.concat([Buffer.from(`${diff}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'no text');
  const names = ['plain', 'fifo', 'folder/symlink', 'folder/deep', 'folder', 'sticky', 'sparse', 'capable'];
  for (const [index, name] of names.entries())
    attributes.setTimes(join(diff, name), 1_111_111_111_000_000_001n + BigInt(index), 1_222_222_222_123_456_789n + BigInt(index));
}

/** By path; what a copy has to keep. Folders' sizes and link counts are the file system's affair. */
function describeTree(root: string, system: System, { times } = { times: true }): Record<string, unknown> {
  const links = new Map<bigint, string>();
  return Object.fromEntries(
    ['', ...pathsIn(root)].map((path) => {
      const raw = Buffer.from(`${Buffer.from(root).toString('latin1')}/${path}`, 'latin1');
      const stats = lstatSync(raw, { bigint: true });
      const first = links.get(stats.ino) ?? path;
      links.set(stats.ino, first);
      const { mode, uid, gid, rdev, mtimeNs } = stats;
      const text = raw.toString();
      return [
        path,
        {
          ...{ mode, uid, gid, rdev },
          ...(times ? { mtimeNs } : {}),
          ...(stats.isDirectory() ? {} : { size: stats.size, first, links: stats.nlink }),
          ...(stats.isFile() ? { content: stats.size < 1e6 ? readFileSync(raw, 'latin1') : stats.blocks < 1000n } : {}),
          ...(stats.isSymbolicLink() ? { target: readlinkSync(raw) } : {}),
          ...(Buffer.from(text).equals(raw) ? { xattrs: ownXattrs(text, system) } : {}),
        },
      ];
    }),
  );
}

function ownXattrs(path: string, { attributes }: System): string[] {
  return attributes
    .listXattrs(path)
    .filter((name) => !/^(trusted|user)\.(overlay|fuseoverlayfs)\./.test(name))
    .map((name) => `${name}=${Buffer.from(attributes.getXattr(path, name) ?? []).toString('hex')}`)
    .sort();
}

/** Relative, sorted; bytes as latin1. */
function pathsIn(root: string): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    const folder = Buffer.from(`${Buffer.from(root).toString('latin1')}/${path}`, 'latin1');
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'latin1' })) {
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      found.push(child);
      if (entry.isDirectory()) walk(child);
    }
  };
  walk('');
  return found.sort();
}

/** As `diff` would: by nothing but what `changes` answers. Added, changed, deleted; without unchanged folders. */
function toldChanges(store: SnapshotStore, system: System): string[] {
  const changes = store.changes('container');
  if (changes.kind === 'trees') {
    const before = new Set(changes.before === undefined ? [] : pathsIn(changes.before));
    const after = pathsIn(changes.after);
    const isChanged = (path: string) => {
      const [then, now] = [changes.before ?? '', changes.after].map((root) => lstatSync(join(root, path), { bigint: true }));
      return then?.mtimeNs !== now?.mtimeNs || then?.mode !== now?.mode;
    };
    return [
      ...after.filter((path) => !before.has(path)).map((path) => `A ${path}`),
      ...after.filter((path) => before.has(path) && isChanged(path)).map((path) => `C ${path}`),
      ...[...before].filter((path) => !after.includes(path)).map((path) => `D ${path}`),
    ].sort();
  }
  const { upper, lower, opaqueAttributes, markFiles } = changes;
  const below = lower[0] ?? '';
  return pathsIn(upper)
    .filter((path) => !markFiles.includes(path.split('/').at(-1) ?? ''))
    .flatMap((path) => {
      const stats = lstatSync(join(upper, path));
      const there = lstatSync(join(below, path), { throwIfNoEntry: false });
      if (stats.isCharacterDevice() && stats.rdev === 0) return [`D ${path}`];
      if (!there) return [`A ${path}`];
      const opaque = opaqueAttributes.some(
        (name) => Buffer.from(system.attributes.getXattr(join(upper, path), name) ?? []).toString() === 'y',
      );
      return [`C ${path}`, ...(opaque ? pathsIn(join(below, path)).map((name) => `D ${path}/${name}`) : [])];
    })
    .sort();
}
