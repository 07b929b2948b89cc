/** What every snapshot store promises about trees that are seen from a user namespace: by mounts that translate owners, and by copies. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { IdMapping, SnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import { unbound } from '../../src-main/engine/snapshot/snapshot.ts';
import type { System } from '../../src-main/system/system.ts';
import { addLayer, layer, refused } from './snapshot-store.ts';
import type { SnapshotStoreCase, SnapshotStoreContext } from './snapshot-store.ts';

const offSwitch = '_CONTAINERS_OVERLAY_DISABLE_IDMAP';
const deaths = 12;
const filesOfVictim = 600;

/** Ids that both worlds have: of the host as root, of the user's namespace else. */
function mappingFrom(first: number, size = 1000): IdMapping {
  const ranges = [{ containerId: 0, hostId: first, size }];
  return { uids: ranges, gids: ranges };
}

/** struct vfs_cap_data of linux/capability.h, revision 2, effective: cap_net_raw permitted. */
const netRaw = Buffer.from('0100000200200000000000000000000000000000', 'hex');

export const mappedCases: readonly SnapshotStoreCase[] = [
  {
    name: 'a mount that translates owners shows the image’s as the namespace’s, and keeps the image’s on the disk; where there is none, why is said',
    async run({ store }) {
      const { works, reason } = store.mappedMounts();
      assert.notEqual(reason, '');
      if (!works) return;
      const mapping = mappingFrom(2000);
      await addLayer(store, layer(1), undefined, (diff) => {
        writeFileSync(join(diff, 'roots'), '');
        writeFileSync(join(diff, 'someones'), '');
        chownSync(join(diff, 'someones'), 33, 34);
      });
      await store.createWritable('container', layer(1), mapping);
      const place = join(dirname(store.mountPoint('container')), 'mapped');
      for (const round of [1, 2]) {
        const merged = store.mount('container');
        assert.deepEqual(ownersOf(merged, ['.', 'roots', 'someones']), ['2000:2000', '2000:2000', '2033:2034']);
        const made = join(merged, `made-${String(round)}`);
        writeFileSync(made, '');
        chownSync(made, 2005, 2006);
        chownSync(join(merged, 'roots'), 2007, 2007);
        chownSync(join(merged, 'roots'), 2000, 2000);
        store.unmount('container');
        assert.deepEqual(ownersOf(store.diffDirectory('container'), [`made-${String(round)}`, 'roots']), ['5:6', '0:0']);
        assert.equal(existsSync(place), false);
      }
      assert.equal(store.changes('container').owners, undefined);
      assert.deepEqual(ownersOf(store.diffDirectory(layer(1)), ['someones']), ['33:34']);
      await store.remove('container');
      await store.remove(layer(1));
      assert.deepEqual(store.list(), []);
    },
  },
  {
    name: 'a mapped copy is the tree with other owners and nothing else changed: set-id bits, capabilities, times, links, names',
    run: withoutMounts(async ({ store, system }) => {
      await addLayer(store, layer(1), undefined, (diff) => fill(diff, system));
      await addLayer(store, layer(2), layer(1), (diff) => writeFileSync(join(diff, 'upper'), 'x'));
      const mapping = mappingFrom(2000);
      const before = describe(store.mount(layer(2)), system, (id) => id + 2000);
      let told = 0;
      const key = await store.ensureMappedCopy(layer(2), store.mountPoint(layer(2)), mapping, {
        onProgress: (entries) => {
          told = entries;
        },
      });
      store.unmount(layer(2));
      assert.ok(told >= Object.keys(before).length, String(told));
      await store.createWritable('container', key);
      const merged = store.mount('container');
      assert.deepEqual(
        describe(merged, system, (id) => id, 2000),
        before,
      );
      writeFileSync(join(merged, 'made'), '');
      chownSync(join(merged, 'made'), 2005, 2005);
      store.unmount('container');
      assert.deepEqual(store.changes('container').owners, mapping);
      assert.deepEqual(ownersOf(store.diffDirectory(layer(1)), ['set-user']), ['7:8']);
    }),
  },
  {
    name: 'a mapped copy is made once for each layer and map, holds its layer, and goes with it',
    run: withoutMounts(async ({ store, open }) => {
      await addLayer(store, layer(1), undefined, (diff) => writeFileSync(join(diff, 'file'), 'x'));
      const source = store.mount(layer(1));
      const ensure = (mapping: IdMapping, from = store, onProgress?: () => void) =>
        from.ensureMappedCopy(layer(1), source, mapping, { onProgress });
      const keys = await Promise.all([ensure(mappingFrom(2000)), ensure(mappingFrom(2000), open()), ensure(mappingFrom(3000))]);
      assert.equal(keys[0], keys[1]);
      assert.notEqual(keys[0], keys[2]);
      await ensure(mappingFrom(2000), store, () => assert.fail('it was copied again'));
      store.unmount(layer(1));
      await store.createWritable('container', keys[0]);
      await refused('in-use', store.remove(layer(1)));
      await refused('in-use', store.removeMappedCopies(layer(1)));
      await store.remove('container');
      await store.removeMappedCopies(layer(1));
      await store.remove(layer(1));
      assert.deepEqual(store.list(), []);
      assert.deepEqual(await store.sweep(), []);
    }),
  },
  {
    name: 'a copy of a layer that was damaged and got new files is used by nobody who comes later, nor one of a layer upon it',
    run: withoutMounts(async ({ store }) => {
      const mapping = mappingFrom(2000);
      await addLayer(store, layer(1), undefined, (diff) => writeFileSync(join(diff, 'file'), 'damaged'));
      await addLayer(store, layer(2), layer(1), (diff) => writeFileSync(join(diff, 'upper'), ''));
      const copyOf = async (key: string): Promise<string> => {
        try {
          return await store.ensureMappedCopy(key, store.mount(key), mapping, {});
        } finally {
          store.unmount(key);
        }
      };
      const seen = async (key: string, container: string): Promise<string> => {
        await store.createWritable(container, key);
        const text = readFileSync(join(store.mount(container), 'file'), 'utf8');
        store.unmount(container);
        return text;
      };
      const [lower, upper] = [await copyOf(layer(1)), await copyOf(layer(2))];
      assert.equal(await seen(upper, 'old'), 'damaged');
      await addLayer(store, layer(9), undefined, (diff) => writeFileSync(join(diff, 'file'), 'sound'));
      await store.replace(layer(1), layer(9));
      if (store.driver === 'overlay') {
        assert.equal(await seen(await copyOf(layer(2)), 'new'), 'sound');
        await store.remove('new');
      }
      assert.equal(await seen(await copyOf(layer(1)), 'below'), 'sound');
      assert.equal(await seen(upper, 'again'), 'damaged');
      for (const container of ['below', 'again', 'old']) await store.remove(container);
      assert.ok(store.exists(upper));
      await copyOf(layer(2));
      // Whoever lies on it no more lets it go at the next copy.
      assert.equal(store.exists(lower) && readFileSync(join(store.diffDirectory(lower), 'file'), 'utf8') === 'damaged', false);
      for (const key of [layer(2), layer(1)]) {
        await store.removeMappedCopies(key);
        await store.remove(key);
      }
      assert.deepEqual(store.list(), []);
    }),
  },
  {
    name: 'an owner that the namespace has no id for is refused by its name, and nothing is left of the copy',
    run: withoutMounts(async ({ store }) => {
      await addLayer(store, layer(1), undefined, (diff) => {
        mkdirSync(join(diff, 'folder'));
        writeFileSync(join(diff, 'folder', 'file'), '');
        chownSync(join(diff, 'folder', 'file'), 0, 5000);
      });
      const source = store.mount(layer(1));
      await assert.rejects(store.ensureMappedCopy(layer(1), source, mappingFrom(2000), {}), (error: Error) => {
        assert.match(error.message, /^\/folder\/file of the image belongs to gid 5000, /);
        return true;
      });
      store.unmount(layer(1));
      assert.deepEqual(
        store.list().map(({ key }) => key),
        [layer(1)],
      );
      assert.deepEqual(await store.sweep(), []);
    }),
  },
  {
    name: 'a copy that is cancelled leaves nothing',
    run: withoutMounts(async ({ store }) => {
      await addLayer(store, layer(1), undefined, (diff) => makeMany(diff));
      const abort = new AbortController();
      abort.abort();
      const source = store.mount(layer(1));
      await refused('cancelled', store.ensureMappedCopy(layer(1), source, mappingFrom(2000), { signal: abort.signal }));
      store.unmount(layer(1));
      assert.deepEqual(
        store.list().map(({ key }) => key),
        [layer(1)],
      );
    }),
  },
  {
    name: `${String(deaths)} engines that are killed in the middle of mapped copies leave nothing that a sweep does not find, and none that is half`,
    run: withoutMounts(async (context) => {
      const { store, open } = context;
      await addLayer(store, layer(1), undefined, makeMany);
      store.mount(layer(1));
      for (let death = 0; death < deaths; death += 1) {
        const victim = spawnSync(process.execPath, [process.argv[1] ?? '', 'mapped-victim', ...context.victim.slice(1)], {
          timeout: 250 + ((death * 67) % 300),
          killSignal: 'SIGKILL',
          encoding: 'utf8',
        });
        assert.equal(victim.signal, 'SIGKILL', victim.stderr);
        await checkCopies(open());
      }
      store.unmount(layer(1));
    }),
  },
];

/** Makes copies and removes them, for ever; the layer is mounted by who started it. */
export async function beMappedVictim(store: SnapshotStore): Promise<never> {
  for (let round = 0; ; round += 1) {
    await store.ensureMappedCopy(layer(1), store.mountPoint(layer(1)), mappingFrom(2000), {});
    if (round % 3 === 2) await store.removeMappedCopies(layer(1));
  }
}

async function checkCopies(store: SnapshotStore): Promise<void> {
  for (const { key, committed, damaged } of store.list()) {
    assert.equal(damaged, undefined, `${key} is damaged`);
    if (!committed || key === layer(1)) continue;
    const names = readdirSync(store.diffDirectory(key));
    assert.equal(names.length, filesOfVictim, key);
    for (const name of names) assert.equal(lstatSync(join(store.diffDirectory(key), name)).uid, 2000, `${key} ${name}`);
  }
  await ended(store);
  await store.sweep();
  await store.removeMappedCopies(layer(1));
  assert.deepEqual(
    store.list().map(({ key }) => key),
    [layer(1)],
  );
  assert.deepEqual(readdirSync(join(store.diffDirectory(layer(1)), '../../.trash')), []);
}

/** The copying program dies with its engine, but a moment later: until then its folder is no ruin yet. */
async function ended(store: SnapshotStore): Promise<void> {
  const home = join(store.diffDirectory(layer(1)), '../..');
  const giveUpAt = performance.now() + 5000;
  const copying = (): boolean =>
    readdirSync('/proc').some((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`\0${home}/mapped-`);
      } catch {
        return false;
      }
    });
  while (copying()) {
    assert.ok(performance.now() < giveUpAt, 'the copying program lives on');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** As on a kernel that cannot. */
function withoutMounts(run: (context: SnapshotStoreContext) => Promise<void>) {
  return async (context: SnapshotStoreContext): Promise<void> => {
    process.env[offSwitch] = '1';
    try {
      const { works } = context.store.mappedMounts();
      assert.equal(works, false);
      await run(context);
    } finally {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- setting it to undefined would make it the word
      delete process.env[offSwitch];
    }
  };
}

function makeMany(diff: string): void {
  for (let index = 0; index < filesOfVictim; index += 1) writeFileSync(join(diff, `file-${String(index)}`), 'x'.repeat(index));
}

function ownersOf(root: string, names: readonly string[]): string[] {
  return names.map((name) => {
    const { uid, gid } = lstatSync(join(root, name));
    return `${String(uid)}:${String(gid)}`;
  });
}

function fill(diff: string, system: System): void {
  const at = (name: string): string => join(diff, name);
  mkdirSync(at('folder'));
  chmodSync(at('folder'), 0o3775);
  writeFileSync(at('set-user'), 'x');
  linkSync(at('set-user'), at('folder/second-name'));
  writeFileSync(at('set-group'), 'x');
  writeFileSync(at('capable'), 'x');
  symlinkSync('nowhere', at('link'));
  system.attributes.makeFifo(at('fifo'), 0o640);
  writeFileSync(Buffer.concat([Buffer.from(`${diff}/no-text-`), Buffer.from([0xff])]), 'x');
  for (const [name, uid, gid] of [
    ['set-user', 7, 8],
    ['set-group', 0, 42],
    ['link', 9, 9],
    ['folder', 33, 34],
  ] as const)
    lchownSync(at(name), uid, gid);
  chmodSync(at('set-user'), 0o4755);
  chmodSync(at('set-group'), 0o2711);
  chmodSync(at('folder'), 0o3775);
  system.attributes.setXattr(at('capable'), 'security.capability', netRaw);
  system.attributes.setXattr(at('set-group'), 'user.note', Buffer.from('kept'));
  utimesSync(at('capable'), 1_600_000_000.123, 1_600_000_000.456);
}

/** Everything of a tree that a copy has to keep, with the owners that they are to have. */
function describe(root: string, system: System, owner: (id: number) => number, namespaceRoot?: number): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: Buffer, name: string): void => {
    const stat = lstatSync(path, { bigint: true });
    const capability = stat.isFile() ? system.attributes.getXattr(path, 'security.capability') : undefined;
    const note = stat.isFile() ? system.attributes.getXattr(path, 'user.note') : undefined;
    found[name] = JSON.stringify([
      (Number(stat.mode) & 0o177777).toString(8),
      owner(Number(stat.uid)),
      owner(Number(stat.gid)),
      stat.isDirectory() ? 'folder' : String(stat.size),
      stat.isDirectory() ? '' : String(stat.mtimeNs),
      stat.isDirectory() ? '' : String(stat.nlink),
      // In whose namespace it counts is what the copy is for.
      capability === undefined ? '' : Buffer.from(unbound(capability, namespaceRoot)).toString('hex'),
      note === undefined ? '' : Buffer.from(note).toString(),
    ]);
    if (!stat.isDirectory()) return;
    for (const child of readdirSync(path, { encoding: 'buffer' }))
      visit(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${child.toString('latin1')}`);
  };
  visit(Buffer.from(root), '');
  return found;
}
