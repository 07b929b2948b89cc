/** What a disk loses: named by a check, healed by pulling or loading again, with everything that depends on it left where it is. */
import {
  openSync,
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { makeImage, makeTar, noise, type TestImage } from './test-image.ts';
import { pushImage, registryProgram, TestRegistry } from './test-registry.ts';
import { type TestEngine, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';

function flipBit(path: string, position = Math.floor(statSync(path).size / 2)): void {
  const bytes = readFileSync(path);
  bytes[position] = (bytes[position] ?? 0) ^ 8;
  // In place: as a disk does it, without a new file.
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, bytes);
  closeSync(descriptor);
}

interface Place {
  /** Of the lower layer. */
  readonly diff: string;
  readonly graphRoot: string;
  readonly configHex: string;
  readonly manifestHex: string;
}

const blob = (graphRoot: string, hex: string) => join(graphRoot, 'content/blobs/sha256', hex);

/** Kinds of damage: to what, what it is called, and whether only reading all layers finds it. */
const damages: [string, (place: Place) => void, string, boolean][] = [
  ['a flipped bit in a file', ({ diff }) => flipBit(join(diff, 'lower')), 'damaged-layer', true],
  ['a truncated file', ({ diff }) => truncateSync(join(diff, 'lower'), 1000), 'damaged-layer', true],
  ['a file that is gone', ({ diff }) => rmSync(join(diff, 'lower')), 'damaged-layer', true],
  ['a flipped bit in the recipe', ({ diff }) => flipBit(join(dirname(diff), 'recipe')), 'damaged-layer', true],
  ['a recipe that was cut off', ({ diff }) => truncateSync(join(dirname(diff), 'recipe'), 60), 'damaged-layer', true],
  ['no files', ({ diff }) => rmSync(diff, { recursive: true }), 'damaged-layer', false],
  ['a record that cannot be read', ({ diff }) => writeFileSync(join(dirname(diff), 'committed'), '{"par'), 'damaged-layer', false],
  ['no folder', ({ diff }) => rmSync(dirname(diff), { recursive: true }), 'missing-layer', false],
  ['a damaged configuration', ({ graphRoot, configHex }) => flipBit(blob(graphRoot, configHex)), 'damaged-blob', false],
  ['no configuration', ({ graphRoot, configHex }) => rmSync(blob(graphRoot, configHex)), 'missing-blob', false],
  ['a damaged manifest', ({ graphRoot, manifestHex }) => flipBit(blob(graphRoot, manifestHex)), 'damaged-blob', false],
];

describe.skipIf(reason !== '').each(['overlay', 'vfs'] as const)(`damage on the disk, %s ${reason}`, (storageDriver) => {
  let registry: TestRegistry;
  let image: TestImage;
  let name: string;
  beforeAll(async () => {
    registry = await TestRegistry.start();
    image = makeImage([
      await makeTar({ lower: noise(400_000, 'lower'), shared: 'below' }),
      await makeTar({ upper: noise(100_000, 'upper') }),
    ]);
    await pushImage(registry, 'team/app', '1', image);
    name = `${registry.host}/team/app:1`;
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  const pull = (engine: TestEngine) => engine.images.pull(name, { policy: 'always', tlsVerify: false });

  /** What is where is the same afterwards: no folder more, no link less. */
  const inventory = (store: TestStore) =>
    readdirSync(join(store.graphRoot, storageDriver), { withFileTypes: true })
      .map(({ name: entry }) => entry)
      .sort();

  test.each(damages)('%s', async (_title, damage, kind, hidden) => {
    await using store = new TestStore({ storageDriver });
    using engine = store.openEngine();
    const { record } = await pull(engine);
    const [lower, upper] = record.chainIds as [Digest, Digest];
    await engine.images.verify();
    expect(engine.images.findProblems()).toEqual([]);
    const before = inventory(store);
    const diff = engine.snapshots.diffDirectory(lower);
    damage({ diff, graphRoot: store.graphRoot, configHex: record.id, manifestHex: record.manifestDigest?.slice(7) ?? '' });
    if (hidden) expect(engine.images.findProblems()).toEqual([]);
    await engine.images.verify();
    const problems = engine.images.findProblems();
    expect(problems.map((problem) => problem.kind)).toContain(kind);
    expect(problems[0]?.message).toContain(name);
    // Another engine knows it, too.
    using other = store.openEngine();
    expect(other.images.findProblems()).toEqual(problems);

    await pull(other);
    await engine.images.verify();
    expect(engine.images.findProblems()).toEqual([]);
    expect(inventory(store)).toEqual(before);
    const merged = engine.snapshots.mount(upper, { readOnly: true });
    try {
      expect(readFileSync(join(merged, 'upper')).equals(Buffer.from(noise(100_000, 'upper')))).toBe(true);
      // Whole copies of a damaged tree are as damaged as it was when they were made.
      expect(readFileSync(join(merged, 'lower')).equals(Buffer.from(noise(400_000, 'lower')))).toBe(true);
    } finally {
      engine.snapshots.unmount(upper);
    }
    expect(await engine.layers.repair()).toEqual([]);
    expect(await engine.snapshots.sweep()).toEqual([]);
  });

  test('loading heals as pulling does', async () => {
    await using store = new TestStore({ storageDriver });
    using engine = store.openEngine();
    const { record } = await pull(engine);
    mkdirSync(join(store.directory, 'kept'));
    const path = join(store.directory, 'kept/app.tar');
    await engine.images.save([record.id], { format: 'oci-archive', path });
    flipBit(join(engine.snapshots.diffDirectory(record.chainIds[0] as Digest), 'lower'));
    await engine.images.verify();
    expect(engine.images.findProblems()).toHaveLength(1);
    await engine.images.load(path, {});
    await engine.images.verify();
    expect(engine.images.findProblems()).toEqual([]);
  });

  test('while a container lies on it, mounted, it is left as it is, and said', async () => {
    await using store = new TestStore({ storageDriver });
    using engine = store.openEngine();
    const { record } = await pull(engine);
    const [lower, upper] = record.chainIds as [Digest, Digest];
    await engine.snapshots.createWritable('box', upper);
    engine.snapshots.mount('box');
    flipBit(join(engine.snapshots.diffDirectory(lower), 'lower'));
    await engine.images.verify();
    const before = inventory(store);
    await expect(pull(engine)).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('container box is mounted on it') as string,
      fix: 'stop it first: selkie stop box',
    });
    expect(inventory(store)).toEqual(before);
    engine.snapshots.unmount('box');
    await pull(engine);
    await engine.images.verify();
    expect(engine.images.findProblems()).toEqual([]);
    await engine.snapshots.remove('box');
  });

  test('what a death left in the middle of it goes with the next repair', async () => {
    await using store = new TestStore({ storageDriver });
    using engine = store.openEngine();
    const { record } = await pull(engine);
    const lower = record.chainIds[0] as Digest;
    flipBit(join(engine.snapshots.diffDirectory(lower), 'lower'));
    await engine.images.verify();
    const before = inventory(store);
    // The new files are there, and were not yet put in the place of the old ones.
    const { standInFor } = await import('../../../src-main/engine/layer/damage.ts');
    await engine.snapshots.create(standInFor(lower), undefined);
    await engine.snapshots.commit(standInFor(lower));
    expect(await engine.layers.repair()).toEqual([`removed what was left of the unfinished layer ${standInFor(lower)}`]);
    expect(inventory(store)).toEqual(before);
    await pull(engine);
    await engine.images.verify();
    expect(engine.images.findProblems()).toEqual([]);
  });
});
