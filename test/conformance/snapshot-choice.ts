/** Which driver a store gets, keeps, and refuses to give up. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import type { SnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import type { System } from '../../src-main/system/system.ts';
import { addLayer, layer, refused } from './snapshot-store.ts';

interface ChoiceContext {
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly system: System;
}

const byProgram = ['overlay.mount_program=fuse-overlayfs'];

function open(
  { graphRoot, runRoot, system }: ChoiceContext,
  storageDriver?: 'overlay' | 'vfs',
  storageOptions: readonly string[] = [],
): SnapshotStore {
  return openSnapshotStore({ config: { graphRoot, runRoot, storageDriver, storageOptions }, system });
}

/** As on a kernel, or in a container, where these cannot be mounted. */
function without(system: System, ...types: readonly string[]): System {
  const mounts: System['mounts'] = {
    ...system.mounts,
    mount(source, target, type, flags, data) {
      if (types.includes(type)) throw new Error(`mount: ${type} is forbidden`);
      system.mounts.mount(source, target, type, flags, data);
    },
  };
  const find: System['processes']['find'] = (program) =>
    program === 'fuse-overlayfs' && types.includes('fuse') ? undefined : system.processes.find(program);
  return { ...system, mounts, processes: { ...system.processes, find } };
}

export const choiceCases: readonly { readonly name: string; readonly run: (context: ChoiceContext) => Promise<void> }[] = [
  {
    name: 'overlay by the kernel is chosen where it works, and says that it was tried',
    async run(context) {
      const store = open(context);
      assert.equal(store.driver, 'overlay');
      assert.match(store.status()['driverReason'] ?? '', /trial mount .* worked/);
      assert.equal(existsSync(join(context.graphRoot, 'storage-driver')), false);
      await store.createWritable('container', undefined);
      assert.equal(readFileSync(join(context.graphRoot, 'storage-driver'), 'utf8'), 'overlay\n');
    },
  },
  {
    name: 'without the kernel’s overlay fuse-overlayfs mounts, and why is said',
    async run(context) {
      const store = open({ ...context, system: without(context.system, 'overlay') });
      const status = store.status();
      assert.equal(store.driver, 'overlay');
      assert.match(status['Mount Program'] ?? '', /fuse-overlayfs$/);
      assert.equal(status['Native Overlay Diff'], 'false');
      assert.match(status['driverReason'] ?? '', /kernel's own overlay does not work here: .*overlay is forbidden/);
      await store.createWritable('container', undefined);
      writeFileSync(join(store.mount('container'), 'x'), 'x');
      store.unmount('container');
    },
  },
  {
    name: 'without either it is vfs, with a warning that names both reasons',
    async run(context) {
      const store = open({ ...context, system: without(context.system, 'overlay', 'fuse') });
      assert.equal(store.driver, 'vfs');
      assert.match(store.status()['driverReason'] ?? '', /^warning: .*overlay is forbidden.*fuse-overlayfs is not installed/);
      await store.createWritable('container', undefined);
      // From now on it is, also where overlay would work.
      assert.equal(open(context).driver, 'vfs');
    },
  },
  {
    name: 'a store that has content keeps its driver, even when that does not work any more',
    async run(context) {
      await open(context).createWritable('container', undefined);
      const store = open({ ...context, system: without(context.system, 'overlay', 'fuse') });
      assert.equal(store.driver, 'overlay');
      rmSync(join(context.graphRoot, 'overlay/.support'));
      await refused('unsupported', () => store.mount('container'));
      await refused('wrong-state', () => open(context, 'vfs'));
      await refused('wrong-state', () => {
        rmSync(join(context.graphRoot, 'storage-driver'));
        open(context, 'vfs');
      });
      assert.deepEqual(
        open(context, 'overlay')
          .list()
          .map(({ key }) => key),
        ['container'],
      );
    },
  },
  {
    name: 'an empty store may be taken over, and who had it open before is told',
    async run(context) {
      const first = open(context);
      await first.createWritable('container', undefined);
      await first.remove('container');
      const second = open(context, 'vfs');
      await second.createWritable('container', undefined);
      await refused('wrong-state', first.create(layer(1), undefined));
      await refused('wrong-state', () => first.createWritable('other', undefined));
      assert.deepEqual(
        first.list().filter(({ committed }) => committed),
        [],
      );
      assert.equal(open(context).driver, 'vfs');
      await refused('wrong-state', () => open(context, 'overlay'));
    },
  },
  {
    name: 'what the kernel mounted the mount program shows, and what that wrote stays its own',
    async run(context) {
      const { system } = context;
      const native = open(context);
      await addLayer(native, layer(1), undefined, (diff) => {
        for (const name of ['one', 'two']) {
          mkdirSync(join(diff, name));
          writeFileSync(join(diff, name, 'old'), 'x');
        }
        writeFileSync(join(diff, 'gone'), 'x');
      });
      await native.createWritable('container', layer(1));
      remake(native.mount('container'), 'one');
      unlinkSync(join(native.mountPoint('container'), 'gone'));
      native.unmount('container');
      const program = open(context, undefined, byProgram);
      const merged = program.mount('container');
      assert.deepEqual(readdirSync(merged).sort(), ['one', 'two']);
      assert.deepEqual(readdirSync(join(merged, 'one')), ['new']);
      remake(merged, 'two');
      program.unmount('container');
      // The store mounts by the kernel again, this one not: its marks would be seen as files, and what it hides would come back.
      assert.deepEqual(readdirSync(join(native.mount('container'), 'two')), ['new']);
      assert.equal(system.mounts.list().findLast(({ mountPoint }) => mountPoint === merged)?.type, 'fuse.fuse-overlayfs');
      native.unmount('container');
      const lacking = open({ ...context, system: without(system, 'fuse') });
      await refused('missing-tool', () => lacking.mount('container'));
    },
  },
  {
    name: 'a mount program lives as long as its mount and no longer; one that died is started again',
    async run(context) {
      const { system } = context;
      const store = open(context, undefined, byProgram);
      await store.createWritable('container', undefined);
      writeFileSync(join(store.mount('container'), 'x'), 'kept');
      const pid = daemonOf(store.mountPoint('container'));
      const startTime = system.processes.startTime(pid);
      assert.ok(startTime !== undefined);
      store.unmount('container');
      await ended(system, pid, startTime);
      store.mount('container');
      const second = daemonOf(store.mountPoint('container'));
      const secondStart = system.processes.startTime(second) ?? 0;
      process.kill(second, 'SIGKILL');
      await ended(system, second, secondStart);
      await refused('in-use', store.remove('container'));
      assert.equal(readFileSync(join(store.mount('container'), 'x'), 'utf8'), 'kept');
      store.unmount('container');
      await store.remove('container');
    },
  },
  {
    name: 'a mount program that somebody keeps after its mount is found',
    async run(context) {
      const store = open(context, undefined, byProgram);
      await store.createWritable('container', undefined);
      const merged = store.mount('container');
      const pid = daemonOf(merged);
      const home = process.cwd();
      process.chdir(merged);
      store.unmount('container');
      assert.deepEqual(
        store.findProblems().map(({ kind, object }) => [kind, object]),
        [['leaked-process', String(pid)]],
      );
      const startTime = context.system.processes.startTime(pid) ?? 0;
      process.chdir(home);
      await ended(context.system, pid, startTime);
      assert.deepEqual(store.findProblems(), []);
    },
  },
];

function remake(root: string, name: string): void {
  rmSync(join(root, name), { recursive: true });
  mkdirSync(join(root, name));
  writeFileSync(join(root, name, 'new'), 'x');
}

function daemonOf(mountPoint: string): number {
  const found = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').at(-2) === mountPoint;
    } catch {
      return false;
    }
  });
  assert.equal(found.length, 1);
  return Number(found[0]);
}

async function ended(system: System, pid: number, startTime: number): Promise<void> {
  const giveUpAt = performance.now() + 5000;
  while (system.processes.startTime(pid) === startTime) {
    assert.ok(performance.now() < giveUpAt, `process ${String(pid)} lives on`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
