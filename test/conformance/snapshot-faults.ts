/** What every snapshot store promises about deaths and full disks. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import { addLayer, hide, layer, makeOpaque, refused } from './snapshot-store.ts';
import type { SnapshotStoreCase, SnapshotStoreContext } from './snapshot-store.ts';

const filesPerLayer = 40;
const deaths = 25;

export const faultCases: readonly SnapshotStoreCase[] = [
  {
    name: `${String(deaths)} engines that are killed in the middle leave whole snapshots, and nothing that a sweep does not find`,
    async run(context) {
      const { store, open, system } = context;
      await addLayer(store, layer(1), undefined, (diff) => fill(diff, 'base'));
      for (let death = 0; death < deaths; death += 1) {
        const victim = spawnSync(process.execPath, [process.argv[1] ?? '', ...context.victim], {
          timeout: 60 + ((death * 37) % 140),
          killSignal: 'SIGKILL',
          encoding: 'utf8',
        });
        assert.equal(victim.signal, 'SIGKILL', victim.stderr);
        await checkAndClear(open(), system);
      }
      await store.remove(layer(1));
      assert.deepEqual(store.list(), []);
    },
  },
  {
    name: 'a full disk is told as such, leaves nothing, and what was there works again when there is room',
    async run({ graphRoot, open, system }) {
      const small = join(graphRoot, '..', 'small');
      mkdirSync(small);
      system.mounts.mount('tmpfs', small, 'tmpfs', [], 'size=8m');
      try {
        const store = open(join(small, 'graph'));
        await addLayer(store, layer(1), undefined, (diff) => {
          for (const name of ['a', 'b', 'c']) writeFileSync(join(diff, name), Buffer.alloc(1 << 20, 1));
        });
        writeFileSync(join(small, 'filler'), Buffer.alloc(1 << 20));
        assert.throws(() => writeFileSync(join(small, 'more'), Buffer.alloc(8 << 20)), { code: 'ENOSPC' });
        await refused('disk-full', async () => {
          await store.createWritable('container', layer(1));
        });
        await store.create(layer(2), layer(1)).then(
          () => refused('disk-full', store.commit(layer(2))),
          (error: unknown) => refused('disk-full', Promise.reject(error as Error)),
        );
        if (store.has(layer(2))) await store.remove(layer(2));
        assert.deepEqual(
          store.list().map(({ key }) => key),
          [layer(1)],
        );
        rmSync(join(small, 'more'));
        await store.sweep();
        rmSync(join(small, 'filler'));
        await store.createWritable('container', layer(1));
        assert.deepEqual(readdirSync(store.mount('container')), ['a', 'b', 'c']);
        store.unmount('container');
        await store.remove('container');
        await store.remove(layer(1));
      } finally {
        system.mounts.unmount(small);
      }
    },
  },
];

/** What a killed engine was at: layers, containers, mounts, removals, for ever. */
export async function beVictim(store: SnapshotStore, system: SnapshotStoreContext['system']): Promise<never> {
  for (let round = 0; ; round += 1) {
    const id = `${String(process.pid)}-${String(round)}`;
    const key = layer(1000 + round);
    await addLayer(store, key, layer(1), (diff) => {
      fill(diff, 'top');
      hide(store, system, diff, 'base-0');
      mkdirSync(join(diff, 'folder'));
      makeOpaque(store, system, join(diff, 'folder'));
    });
    await store.createWritable(id, key);
    writeFileSync(join(store.mount(id), 'written'), id);
    store.unmount(id);
    await store.remove(id);
    await store.remove(key);
  }
}

function fill(diff: string, name: string): void {
  for (let index = 0; index < filesPerLayer; index += 1) writeFileSync(join(diff, `${name}-${String(index)}`), name);
}

async function checkAndClear(store: SnapshotStore, system: SnapshotStoreContext['system']): Promise<void> {
  for (const { key, committed, damaged } of store.list()) {
    assert.equal(damaged, undefined, `${key} is damaged`);
    if (!committed) continue;
    const merged = store.mount(key);
    const names = new Set(readdirSync(merged));
    if (key !== layer(1)) {
      assert.equal(names.has('base-0'), false, key);
      for (let index = 0; index < filesPerLayer; index += 1) assert.ok(names.has(`top-${String(index)}`), `${key} top-${String(index)}`);
    }
    for (let index = 1; index < filesPerLayer; index += 1) assert.ok(names.has(`base-${String(index)}`), `${key} base-${String(index)}`);
    store.unmount(key);
  }
  // Containers before the layers that they lie on.
  const keys = store.list().flatMap(({ key, committed }) => (committed && key !== layer(1) ? [key] : []));
  for (const key of keys.sort((a, b) => Number(a.startsWith('sha256:')) - Number(b.startsWith('sha256:')))) await store.remove(key);
  await store.sweep();
  // A program that the dead engine was just starting has its locks until it is executed.
  for (let left = 100; left > 0 && store.list().some(({ committed }) => !committed); left -= 1) {
    await pause(20);
    await store.sweep();
  }
  assert.deepEqual(
    store.list().map(({ key }) => key),
    [layer(1)],
  );
  assert.deepEqual(readdirSync(join(store.diffDirectory(layer(1)), '../../.trash')), []);
  assert.deepEqual(await settled(store), []);
  const runHome = join(store.mountPoint('x'), '../..');
  assert.deepEqual(existsSync(runHome) ? readdirSync(runHome) : [], []);
  assert.deepEqual(
    system.mounts.list().filter(({ mountPoint }) => mountPoint.startsWith(runHome)),
    [],
  );
}

/** A mount program ends some moments after its mount. */
async function settled(store: SnapshotStore) {
  for (let patience = 200; patience > 0 && store.findProblems().length > 0; patience -= 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return store.findProblems();
}
