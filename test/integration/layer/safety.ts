import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import type { Digest, ImageId } from '../../../src-main/contract/ids.ts';
import { archive } from '../../fixtures/layer/archive-writer.ts';
import { hostileArchives } from '../../fixtures/layer/hostile.ts';
import type { LayerCase } from './exactness.ts';
import { Sandbox, digestOf, rootless, system } from './sandbox.ts';

const small = archive({ name: 'a', data: 'x' });

/** Gives its bytes one by one as they are asked for, and never ends. */
function endless(head: Buffer): Readable {
  let given = false;
  return new Readable({
    read() {
      if (!given) this.push(head);
      given = true;
    },
  });
}

export const hostileCases: readonly LayerCase[] = hostileArchives.map(({ name, code, bytes }) => ({
  name: `refused: ${name}`,
  async run(sandbox) {
    await sandbox.refuse(code, sandbox.request(bytes(sandbox.canary)));
  },
}));

export const safetyCases: readonly LayerCase[] = [
  {
    name: 'wrong digests leave nothing, and the right ones work afterwards',
    async run(sandbox) {
      const blob = gzipSync(small);
      const wrong = digestOf(Buffer.from('other'));
      await sandbox.refuse('digest-mismatch', { ...sandbox.request(blob), diffId: wrong });
      await sandbox.refuse('digest-mismatch', sandbox.request(blob, { blobDigest: wrong }));
      await sandbox.layers.unpack(sandbox.request(blob, { blobDigest: digestOf(blob) }));
      assert.equal(sandbox.state.layers.findBlob(digestOf(blob))?.diffId, digestOf(small));
    },
  },
  {
    name: 'an owner outside of the user namespace is named with what to do',
    async run(sandbox) {
      const request = sandbox.request(archive({ name: 'a', uid: 3_000_000_000 }));
      if (!rootless) {
        await sandbox.layers.unpack(request);
        return;
      }
      const { message, fix } = await sandbox.refuse('unsupported', request);
      assert.match(message, /"a".*uid 3000000000/);
      assert.match(fix ?? '', /subuid/);
    },
  },
  {
    name: 'a source that breaks off, with its own error or another, leaves nothing',
    async run(sandbox) {
      const breaking = (error: Error) =>
        Readable.from(
          (async function* () {
            yield await Promise.resolve(small.subarray(0, 700));
            throw error;
          })(),
        );
      await sandbox.refuse('unauthorized', sandbox.request(small, { source: breaking(new EngineError('unauthorized', 'no')) }));
      await sandbox.refuse('unavailable', sandbox.request(small, { source: breaking(new Error('ECONNRESET')) }));
      await sandbox.refuse('not-found', sandbox.request(small, { source: { path: join(sandbox.base, 'nothing') } }));
    },
  },
  {
    name: 'cancelled: before, in the middle, and while waiting for the layer below',
    async run(sandbox) {
      await sandbox.refuse('cancelled', sandbox.request(small, { signal: AbortSignal.abort() }));
      const middle = new AbortController();
      const source = endless(archive({ name: 'big', data: Buffer.alloc(16 << 20) }).subarray(0, 12 << 20));
      await sandbox.refuse('cancelled', sandbox.request(small, { source, signal: middle.signal, onProgress: () => middle.abort() }));
      assert.equal(source.destroyed, true);
      const waiting = new AbortController();
      const parentChainId = digestOf(Buffer.from('a parent that nobody has'));
      const refused = sandbox.refuse('cancelled', sandbox.request(small, { parentChainId, signal: waiting.signal }));
      setTimeout(() => waiting.abort(), 200);
      await refused;
    },
  },
  {
    name: 'layers may come in any order and end from the bottom up',
    async run(sandbox) {
      const blobs = ['one', 'two', 'three'].map((name) => archive({ name, data: name }));
      const chain: Digest[] = [];
      for (const blob of blobs) chain.push(sandbox.layers.chainId(chain.at(-1), digestOf(blob)));
      const ended: number[] = [];
      await Promise.all(
        [2, 1, 0].map(async (index) => {
          await sandbox.layers.unpack(sandbox.request(blobs[index] ?? small, { parentChainId: chain[index - 1] }));
          ended.push(index);
        }),
      );
      assert.deepEqual(ended, [0, 1, 2]);
      const top = chain[2] ?? '';
      assert.deepEqual(readdirSync(sandbox.snapshots.mount(top)).sort(), ['one', 'three', 'two']);
      sandbox.snapshots.unmount(top);
    },
  },
  {
    name: 'when a layer fails, those upon it fail too',
    async run(sandbox) {
      const below = archive({ name: 'below', data: 'x' });
      const parentChainId = sandbox.layers.chainId(undefined, digestOf(below));
      const upper = sandbox.layers.unpack(sandbox.request(small, { parentChainId }));
      const lower = sandbox.layers.unpack({ ...sandbox.request(below), source: Readable.from([below.subarray(0, 600)]) });
      const [first, second] = await Promise.allSettled([upper, lower]);
      for (const outcome of [first, second])
        assert.ok(outcome.status === 'rejected' && isEngineError(outcome.reason, 'corrupt'), inspect(outcome));
      assert.deepEqual(sandbox.snapshots.list(), []);
    },
  },
  {
    name: 'two engines with the same layer make it once',
    async run(sandbox) {
      const blob = gzipSync(archive(...Array.from({ length: 500 }, (_, index) => ({ name: `f${String(index)}`, data: 'x' }))));
      const other = sandbox.engine();
      const [first, second] = await Promise.all([sandbox.layers.unpack(sandbox.request(blob)), other.layers.unpack(sandbox.request(blob))]);
      assert.deepEqual(first, second);
      other.state[Symbol.dispose]();
    },
  },
  {
    name: 'many layers at once, and the memory they take is bounded',
    async run(sandbox) {
      const chunk = Buffer.alloc(1 << 20, 1);
      const before = process.memoryUsage.rss();
      let peak = before;
      await Promise.all(
        Array.from({ length: 6 }, async (_, index) => {
          const tar = archive({ name: `f${String(index)}`, data: Buffer.concat(Array.from({ length: 8 }, () => chunk)) });
          await sandbox.layers.unpack(sandbox.request(tar, { onProgress: () => (peak = Math.max(peak, process.memoryUsage.rss())) }));
        }),
      );
      // Six archives of 8 MiB are ours; the rest is the store's.
      assert.ok(peak - before < (6 * 2 * 9 + 200) << 20, `${String((peak - before) >> 20)} MiB`);
    },
  },
  {
    name: 'a full disk is said to be one',
    async run(outer) {
      const base = join(outer.base, 'small');
      mkdirSync(base);
      system.mounts.mount('tmpfs', base, 'tmpfs', [], 'size=24m,nr_inodes=400');
      try {
        const sandbox = new Sandbox(base, outer.workerPath);
        const files = (count: number, size: number) =>
          archive(...Array.from({ length: count }, (_, index) => ({ name: `f${String(index)}`, data: Buffer.alloc(size, index) })));
        // Far less than what a large disk keeps free is there, and yet a small layer finds its place.
        const { chainId } = await sandbox.unpack(files(2, 4 << 20));
        const { message, fix, details } = await sandbox.refuse('disk-full', sandbox.request(files(4, 4 << 20)));
        assert.match(message, /is too full: 4\.0 MiB are needed, [\d.]+ MiB are free/);
        assert.ok(message.includes(sandbox.graphRoot), message);
        assert.match(fix ?? '', /free space/);
        assert.equal(details['neededBytes'], 4 << 20);
        const inodes = await sandbox.refuse('disk-full', sandbox.request(files(500, 1)));
        assert.match(inodes.message, /more files/);
        await sandbox.layers.remove(chainId);
        sandbox.close();
      } finally {
        system.mounts.unmount(base, { detach: true });
        rmSync(base, { recursive: true });
      }
    },
  },
  {
    name: 'remains that cannot be removed are told with the failure, which keeps its code and what to do',
    async run(sandbox) {
      const diff = sandbox.snapshots.diffDirectory(digestOf(small));
      const source = Readable.from(
        (async function* () {
          yield await Promise.resolve(small.subarray(0, 700));
          system.mounts.mount('tmpfs', diff, 'tmpfs', [], 'size=1m');
          throw new EngineError('unauthorized', 'no', { fix: 'log in', details: { who: 'me' } });
        })(),
      );
      const error: unknown = await sandbox.layers.unpack(sandbox.request(small, { source })).catch((reason: unknown) => reason);
      const trash = join(sandbox.graphRoot, 'overlay', '.trash');
      for (const name of readdirSync(trash)) system.mounts.unmount(join(trash, name, 'diff'), { detach: true });
      assert.ok(isEngineError(error, 'unauthorized'), inspect(error));
      assert.match(error.message, /no; besides, its remains could not be removed: .+/);
      assert.equal(error.fix, 'log in');
      assert.deepEqual(error.details, { who: 'me' });
      await sandbox.unpack(small);
    },
  },
  {
    name: 'what is needed is not removed',
    async run(sandbox) {
      const below = await sandbox.unpack(small);
      const upper = await sandbox.unpack(archive({ name: 'b', data: 'y' }), below);
      const inUse = (error: unknown) => isEngineError(error, 'in-use');
      await assert.rejects(sandbox.layers.remove(below.chainId), inUse);
      await sandbox.snapshots.createWritable('container', upper.chainId);
      await assert.rejects(sandbox.layers.remove(upper.chainId), inUse);
      assert.ok(sandbox.layers.find(upper.chainId));
      await sandbox.snapshots.remove('container');
      const image = {
        ...{
          id: 'a'.repeat(64) as ImageId,
          manifestDigest: undefined,
          names: [],
          repoDigests: [],
          chainIds: [below.chainId, upper.chainId],
        },
        ...{ createdAt: 0, sizeBytes: 0, architecture: 'amd64', os: 'linux', labels: {}, storedAt: 0 },
      };
      sandbox.state.images.put(image);
      await assert.rejects(sandbox.layers.remove(upper.chainId), inUse);
      sandbox.state.images.remove(image.id);
      await sandbox.layers.remove(upper.chainId);
      await sandbox.layers.remove(below.chainId);
      assert.equal(sandbox.layers.find(below.chainId), undefined);
      assert.equal(existsSync(below.diff), false);
    },
  },
  {
    name: 'what dead engines left is repaired, and can be unpacked again',
    async run(sandbox) {
      const { chainId } = await sandbox.unpack(small);
      // Died between the snapshot and its record.
      sandbox.state.layers.remove(chainId);
      assert.deepEqual(sandbox.layers.findProblems(), [{ chainId, kind: 'half-pulled-layer' }]);
      assert.equal((await sandbox.layers.repair()).length, 1);
      assert.deepEqual(sandbox.snapshots.list(), []);
      assert.deepEqual(sandbox.layers.findProblems(), []);
      const again = await sandbox.unpack(small);
      sandbox.state.layers.remove(chainId);
      assert.equal((await sandbox.unpack(small)).chainId, again.chainId);
      // Died while removing.
      await sandbox.snapshots.remove(chainId);
      assert.equal(sandbox.layers.find(chainId), undefined);
      assert.deepEqual(sandbox.layers.findProblems(), [{ chainId, kind: 'missing-layer' }]);
      {
        using _busy = await sandbox.state.lock('layer', chainId);
        assert.deepEqual(sandbox.engine().layers.findProblems(), []);
      }
      assert.equal((await sandbox.layers.repair()).length, 1);
      assert.deepEqual(sandbox.state.layers.list(), []);
      await sandbox.unpack(small);
      assert.deepEqual(await sandbox.layers.repair(), []);
    },
  },
  {
    name: 'a death while unpacking what a death while removing had left is repaired too',
    async run(sandbox) {
      const { chainId, diff } = await sandbox.unpack(small);
      const record = sandbox.state.layers.find(chainId);
      assert.ok(record);
      const die = async (): Promise<void> => {
        await sandbox.layers.remove(chainId).catch(() => undefined);
        await sandbox.snapshots.create(chainId, undefined);
        sandbox.state.layers.put(record);
        assert.equal(sandbox.layers.find(chainId), undefined);
      };
      await die();
      await sandbox.layers.removeRemains(chainId);
      assert.equal(existsSync(dirname(diff)), false);
      assert.deepEqual(sandbox.state.layers.list(), []);
      await sandbox.unpack(small);
      await die();
      // Killed between opening the file of the draft and writing it.
      writeFileSync(join(dirname(diff), 'creating'), '');
      assert.equal((await sandbox.layers.repair()).length, 1);
      assert.deepEqual(sandbox.snapshots.list(), []);
      assert.deepEqual(sandbox.state.layers.list(), []);
    },
  },
  {
    name: 'a damaged record is named when it is needed, and does not stand in the way of removing it and others',
    async run(sandbox) {
      const damaged = await sandbox.unpack(small);
      const whole = await sandbox.unpack(archive({ name: 'b', data: 'y' }));
      writeFileSync(join(dirname(damaged.diff), 'committed'), '{');
      assert.throws(
        () => sandbox.snapshots.describe(damaged.chainId),
        (error) => isEngineError(error, 'corrupt'),
      );
      assert.deepEqual(sandbox.layers.findProblems(), [{ chainId: damaged.chainId, kind: 'damaged-layer' }]);
      await sandbox.layers.remove(whole.chainId);
      await sandbox.layers.remove(damaged.chainId);
      assert.deepEqual(sandbox.snapshots.list(), []);
    },
  },
];
