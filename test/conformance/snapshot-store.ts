/**
 * What every snapshot store promises, as cases that need no test runner: they run inside of a mount namespace, as root or in a user
 * namespace, in a process of their own (snapshot-store-child.ts).
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isEngineError } from '../../src-main/base/errors.ts';
import type { ErrorCode } from '../../src-main/base/errors.ts';
import type { SnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import type { System } from '../../src-main/system/system.ts';

/** A driver with the options that choose how it mounts. */
export interface Way {
  readonly name: string;
  readonly storageDriver: 'overlay' | 'vfs';
  readonly storageOptions: readonly string[];
}

export const ways: readonly Way[] = [
  { name: 'overlay', storageDriver: 'overlay', storageOptions: [] },
  { name: 'fuse-overlayfs', storageDriver: 'overlay', storageOptions: ['overlay.mount_program=fuse-overlayfs'] },
  { name: 'vfs', storageDriver: 'vfs', storageOptions: [] },
];

export interface SnapshotStoreContext {
  readonly system: System;
  /** Another store on the same folders, as another engine has, or on others. */
  readonly open: (graphRoot?: string) => SnapshotStore;
  /** Arguments by which this program becomes one that can be killed. */
  readonly victim: readonly string[];
  readonly store: SnapshotStore;
  readonly graphRoot: string;
}

export interface SnapshotStoreCase {
  readonly name: string;
  readonly run: (context: SnapshotStoreContext) => Promise<void> | void;
}

export const basicCases: readonly SnapshotStoreCase[] = [
  {
    name: 'a layer is seen as uncommitted until its commit, and as committed by other engines after it',
    async run({ store, open }) {
      const { diffDirectory } = await store.create(layer(1), undefined);
      assert.equal(diffDirectory, store.diffDirectory(layer(1)));
      assert.deepEqual(open().list(), [{ key: layer(1), parent: undefined, committed: false }]);
      assert.equal(store.exists(layer(1)), false);
      await store.commit(layer(1));
      await store.commit(layer(1));
      assert.deepEqual(open().list(), [{ key: layer(1), parent: undefined, committed: true }]);
      assert.equal(open().exists(layer(1)), true);
      await refused('already-exists', store.create(layer(1), undefined));
    },
  },
  {
    name: 'a layer cannot be committed before its parent, and can be filled before it',
    async run({ store }) {
      await store.create(layer(2), layer(1));
      await refused('wrong-state', store.commit(layer(2)));
      await addLayer(store, layer(1), undefined, () => undefined);
      await store.commit(layer(2));
      assert.deepEqual(
        store.list().find(({ key }) => key === layer(2)),
        { key: layer(2), parent: layer(1), committed: true },
      );
    },
  },
  {
    name: 'what an interrupted create left is replaced, unless another engine is still at it',
    async run({ store, open, system, graphRoot }) {
      const { diffDirectory } = await store.create(layer(1), undefined);
      writeFileSync(join(diffDirectory, 'half'), 'x');
      await refused('in-use', open().create(layer(1), undefined));
      await refused('in-use', open().remove(layer(1)));
      await store.remove(layer(1));
      assert.equal(existsSync(diffDirectory), false);
      // As after a crash: the folder without the lock.
      mkdirSync(join(diffDirectory, 'old'), { recursive: true });
      await store.create(layer(1), undefined);
      assert.deepEqual(readdirSync(diffDirectory), []);
      await store.commit(layer(1));
      assert.equal(system.files.readTextIfExists(join(graphRoot, store.driver, 'nothing')), undefined);
    },
  },
  {
    name: 'a mounted snapshot shows its layers, keeps changes in its own diff directory and forgets nothing over a remount',
    async run({ store, system }) {
      await threeLayers(store, system);
      await store.createWritable('container', layer(3));
      const merged = store.mount('container');
      assert.equal(store.mount('container'), merged);
      assert.equal(merged, store.mountPoint('container'));
      assert.equal(store.isMounted('container'), true);
      assert.deepEqual(readdirSync(merged).sort(), ['directory', 'file', 'new']);
      assert.equal(readFileSync(join(merged, 'file'), 'utf8'), 'second');
      assert.deepEqual(readdirSync(join(merged, 'directory')), ['inside']);
      writeFileSync(join(merged, 'file'), 'changed');
      assert.equal(readFileSync(join(store.diffDirectory('container'), 'file'), 'utf8'), 'changed');
      store.unmount('container');
      store.unmount('container');
      assert.equal(store.isMounted('container'), false);
      assert.equal(existsSync(merged), false);
      assert.equal(readFileSync(join(store.mount('container'), 'file'), 'utf8'), 'changed');
      store.unmount('container');
    },
  },
  {
    name: 'what a death between making a mount point and mounting left goes with the snapshot',
    async run({ store, system }) {
      await threeLayers(store, system);
      await store.createWritable('container', layer(3));
      const folder = dirname(store.mountPoint('container'));
      mkdirSync(folder, { recursive: true });
      await store.remove('container');
      assert.equal(existsSync(folder), false);
    },
  },
  {
    name: 'layers, and whatever is asked for read-only, are mounted read-only',
    async run({ store, system }) {
      await threeLayers(store, system);
      for (const key of [layer(1), layer(3)]) {
        const merged = store.mount(key);
        assert.throws(() => writeFileSync(join(merged, 'x'), ''), { code: 'EROFS' });
        store.unmount(key);
      }
      await store.createWritable('container', layer(3));
      const merged = store.mount('container', { readOnly: true });
      assert.throws(() => writeFileSync(join(merged, 'x'), ''), { code: 'EROFS' });
      assert.equal(readFileSync(join(merged, 'file'), 'utf8'), 'second');
      store.unmount('container');
    },
  },
  {
    name: 'a layer whose root is opaque hides everything below it',
    async run({ store, system }) {
      await addLayer(store, layer(1), undefined, (diff) => writeFileSync(join(diff, 'hidden'), ''));
      await addLayer(store, layer(2), layer(1), (diff) => {
        writeFileSync(join(diff, 'seen'), '');
        makeOpaque(store, system, diff);
      });
      await store.createWritable('container', layer(2));
      assert.deepEqual(readdirSync(store.mount('container')), ['seen']);
      store.unmount('container');
      await refused('in-use', store.remove(layer(1)));
    },
  },
  {
    name: 'without a parent a writable snapshot is empty, and its root is everybody’s to read',
    async run({ store }) {
      await store.createWritable('container', undefined);
      const merged = store.mount('container');
      assert.deepEqual(readdirSync(merged), []);
      assert.equal(statSync(merged).mode & 0o7777, 0o755);
      writeFileSync(join(merged, 'x'), 'x');
      store.unmount('container');
    },
  },
  {
    name: 'mode and owner of the root come from the topmost layer',
    async run({ store }) {
      await addLayer(store, layer(1), undefined, (diff) => {
        chmodSync(diff, 0o1751);
        chownSync(diff, 7, 8);
      });
      await store.createWritable('container', layer(1));
      const { mode, uid, gid } = statSync(store.mount('container'));
      assert.deepEqual([mode & 0o7777, uid, gid], [0o1751, 7, 8]);
      store.unmount('container');
    },
  },
  {
    name: 'removing refuses what is mounted or lain upon, and what is not there is no error',
    async run({ store, open }) {
      await addLayer(store, layer(1), undefined, () => undefined);
      await store.createWritable('container', layer(1));
      store.mount('container');
      await refused('in-use', store.remove('container'));
      await refused('in-use', open().remove(layer(1)));
      store.unmount('container');
      await refused('in-use', store.remove(layer(1)));
      await store.remove('container');
      await store.remove('container');
      await store.remove(layer(1));
      assert.deepEqual(store.list(), []);
      assert.equal(store.exists(layer(1)), false);
      await refused('not-found', () => store.createWritable('container', layer(1)));
      assert.deepEqual(store.list(), []);
    },
  },
  {
    name: 'a key is taken once, and only layers are parents',
    async run({ store }) {
      await store.createWritable('container', undefined);
      await refused('already-exists', () => store.createWritable('container', undefined));
      await refused('wrong-state', () => store.createWritable('other', 'container'));
      await refused('not-found', () => store.mount('nothing'));
      await refused('not-found', () => store.createWritable('other', layer(9)));
      assert.deepEqual(
        store.list().map(({ key }) => key),
        ['container'],
      );
    },
  },
  {
    name: 'a key that would leave the store is refused',
    async run({ store }) {
      for (const key of ['', '.', '..', '../x', 'a/b', 'a:b', 'l', '.trash', 'sha256-x', 'a\0b', 'x'.repeat(200), 'a,b']) {
        await refused('invalid-argument', () => store.createWritable(key, undefined));
        await refused('invalid-argument', () => store.mount(key));
        await refused('invalid-argument', store.create(key, undefined));
        await refused('invalid-argument', store.remove(key));
      }
    },
  },
  { name: '127 layers mount', run: ({ store }) => mountLayers(store, 127) },
  {
    name: 'bytes are those allocated, each inode once',
    async run({ store }) {
      await addLayer(store, layer(1), undefined, (diff) => {
        writeFileSync(join(diff, 'a'), Buffer.alloc(1 << 20, 1));
        linkSync(join(diff, 'a'), join(diff, 'b'));
        mkdirSync(join(diff, 'c'));
        writeFileSync(join(diff, 'c', 'd'), 'x');
      });
      const bytes = await store.diffBytes(layer(1));
      assert.ok(bytes >= 1 << 20 && bytes < (1 << 20) + 65_536, String(bytes));
      await refused('not-found', store.diffBytes(layer(2)));
    },
  },
  {
    name: 'inspect sees real folders',
    async run({ store, system }) {
      await threeLayers(store, system);
      await store.createWritable('container', layer(3));
      if (store.driver === 'vfs') {
        assert.deepEqual(store.describe('container'), {});
        return;
      }
      assert.deepEqual(store.describe('container'), {
        LowerDir: [layer(3), layer(2), layer(1)].map((key) => store.diffDirectory(key)).join(':'),
        MergedDir: store.mountPoint('container'),
        UpperDir: store.diffDirectory('container'),
        WorkDir: join(store.diffDirectory('container'), '../work'),
      });
      assert.deepEqual(store.describe(layer(1)), { UpperDir: store.diffDirectory(layer(1)) });
    },
  },
  {
    name: 'a sweep deletes what crashes left and nothing else',
    async run({ store, open, system, graphRoot }) {
      const home = join(graphRoot, store.driver);
      await addLayer(store, layer(1), undefined, () => undefined);
      await store.createWritable('container', layer(1));
      await store.create(layer(2), layer(1));
      const alive = `${String(process.pid)}.${String(system.processes.startTime(process.pid))}`;
      // No process has both this pid and this start time.
      const dead = `${String(process.pid)}.1`;
      for (const name of [`.new-${alive}-7`, `.new-${dead}-8`, `.trash/a~${alive}~1`, `.trash/a~${dead}~1`, layer(3).replace(':', '-')])
        mkdirSync(join(home, name, 'diff', 'x'), { recursive: true });
      const swept = await open().sweep();
      assert.deepEqual([...swept].sort(), [`.new-${dead}-8`, `.trash/a~${dead}~1`, layer(3)].sort());
      assert.deepEqual(readdirSync(join(home, '.trash')), [`a~${alive}~1`]);
      assert.equal(existsSync(join(home, `.new-${alive}-7`)), true);
      assert.equal(lstatSync(store.diffDirectory(layer(2))).isDirectory(), true);
      await store.commit(layer(2));
      store.mount('container');
      store.unmount('container');
    },
  },
  {
    name: 'a damaged record is told apart from a missing snapshot',
    async run({ store, graphRoot }) {
      await store.createWritable('container', undefined);
      writeFileSync(join(graphRoot, store.driver, 'container', 'committed'), '{"parent":');
      await refused('corrupt', () => store.mount('container'));
    },
  },
];

/** In a folder whose name alone is longer than what 30 plain paths may have together. */
export const strangePathCase: SnapshotStoreCase = {
  name: 'layers mount whatever the graph root is called',
  run: ({ store }) => mountLayers(store, 30),
};

async function mountLayers(store: SnapshotStore, count: number): Promise<void> {
  let parent: string | undefined;
  for (let index = 0; index < count; index += 1) {
    await addLayer(store, layer(index), parent, (diff) => writeFileSync(join(diff, `file-${String(index)}`), ''));
    parent = layer(index);
  }
  await store.createWritable('container', parent);
  const merged = store.mount('container');
  assert.equal(readdirSync(merged).length, count);
  writeFileSync(join(merged, 'x'), '');
  store.unmount('container');
  const top = layer(count - 1);
  assert.equal(readdirSync(store.mount(top)).length, count);
  store.unmount(top);
  if (store.driver === 'overlay') assert.equal(store.describe('container')['LowerDir']?.match(/\/diff(?=:|$)/g)?.length, count);
}

export function layer(index: number): string {
  return `sha256:${String(index).padStart(64, '0')}`;
}

export async function addLayer(store: SnapshotStore, key: string, parent: string | undefined, fill: (diff: string) => void): Promise<void> {
  const { diffDirectory } = await store.create(key, parent);
  fill(diffDirectory);
  await store.commit(key);
}

/** A whiteout, in the form in which the store wants it. */
export function hide(store: SnapshotStore, system: System, folder: string, name: string): void {
  if (store.whiteoutForm === 'file') writeFileSync(join(folder, `.wh.${name}`), '');
  else system.attributes.makeNode(join(folder, name), 0o020000, 0, 0);
}

export function makeOpaque(store: SnapshotStore, system: System, folder: string): void {
  if (store.whiteoutForm === 'file') writeFileSync(join(folder, '.wh..wh..opq'), '');
  else system.attributes.setXattr(folder, `${store.xattrPrefix}opaque`, Buffer.from('y'));
}

/** file, gone, directory/below; then file again, gone hidden, directory anew; then new. */
async function threeLayers(store: SnapshotStore, system: System): Promise<void> {
  await addLayer(store, layer(1), undefined, (diff) => {
    writeFileSync(join(diff, 'file'), 'first');
    writeFileSync(join(diff, 'gone'), '');
    mkdirSync(join(diff, 'directory'));
    writeFileSync(join(diff, 'directory', 'below'), '');
  });
  await addLayer(store, layer(2), layer(1), (diff) => {
    writeFileSync(join(diff, 'file'), 'second');
    hide(store, system, diff, 'gone');
    mkdirSync(join(diff, 'directory'));
    makeOpaque(store, system, join(diff, 'directory'));
    writeFileSync(join(diff, 'directory', 'inside'), '');
  });
  await addLayer(store, layer(3), layer(2), (diff) => writeFileSync(join(diff, 'new'), ''));
}

export async function refused(code: ErrorCode, action: Promise<unknown> | (() => unknown)): Promise<void> {
  await assert.rejects(typeof action === 'function' ? new Promise((resolve) => resolve(action())) : action, (error: unknown) => {
    assert.ok(isEngineError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}
