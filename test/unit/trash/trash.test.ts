/** What layers take, who needs them, and how long things are kept. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Digest, ImageId } from '../../../src-main/contract/ids.ts';
import type { PrunePlan } from '../../../src-main/contract/trash.ts';
import { loadTrashSettings } from '../../../src-main/engine/config/config.ts';
import { layerUsage } from '../../../src-main/engine/image/image.ts';
import { type ImageRecord, openState, type State } from '../../../src-main/engine/state/state.ts';
import { planText } from '../../../src-main/hosts/cli/output/prune-plan.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
let directory: string;
let state: State;

const open = (): State => openState({ graphRoot: join(directory, 'graph'), runRoot: join(directory, 'run'), system });
const id = (text: string): ImageId => text.padEnd(64, '0') as ImageId;
const chain = (text: string): Digest => `sha256:${text.padEnd(64, '0')}` as Digest;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'selkie-trash-'));
  state = open();
});
afterEach(() => {
  state[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

function layer(name: string, parent: string | undefined, sizeBytes: number): void {
  const parentChainId = parent === undefined ? undefined : chain(parent);
  state.layers.put({ chainId: chain(name), diffId: chain(`f${name}`), parentChainId, sizeBytes, createdAt: 1 });
}

function image(name: string, ...layers: string[]): ImageRecord {
  const record: ImageRecord = {
    ...{ id: id(name), manifestDigest: undefined, names: [`localhost/${name}:1`], repoDigests: [], chainIds: layers.map(chain) },
    ...{ createdAt: 1, sizeBytes: 1, architecture: '', os: '', labels: {}, storedAt: 1 },
  };
  state.images.put(record);
  return record;
}

function toTrash(record: ImageRecord, entry: string): void {
  state.transaction(() => {
    state.images.remove(record.id);
    state.trash.insert({ id: entry, kind: 'image', object: record.id, name: '', removedAt: 1, sizeBytes: undefined, record });
  });
}

describe('layers', () => {
  beforeEach(() => {
    layer('a', undefined, 1);
    layer('b', 'a', 10);
    layer('c', 'b', 100);
    layer('d', 'a', 1000);
    layer('e', undefined, 10_000);
  });

  test('shared ones count once, in what is there and in what would be free', () => {
    image('1', 'a', 'b', 'c');
    image('2', 'a', 'b');
    image('3', 'a', 'd');
    const usage = layerUsage(state);
    expect(usage.liveBytes).toBe(1111);
    expect(usage.freedBy(new Set([id('1')]))).toBe(100);
    expect(usage.freedBy(new Set([id('2')]))).toBe(0);
    expect(usage.freedBy(new Set([id('1'), id('2')]))).toBe(110);
    expect(usage.freedBy(new Set([id('1'), id('2'), id('3')]))).toBe(1111);
    expect(usage.shares({ id: id('1'), chainIds: [chain('a'), chain('b'), chain('c')] })).toEqual({ sharedBytes: 11, uniqueBytes: 100 });
  });

  test('in the trash they count there, and only as far as nothing else needs them', () => {
    const first = image('1', 'a', 'b', 'c');
    const second = image('2', 'a', 'b');
    image('3', 'a', 'd');
    toTrash(first, 'x');
    expect(layerUsage(state)).toMatchObject({ liveBytes: 1011, trashBytes: 100 });
    toTrash(second, 'y');
    const usage = layerUsage(state);
    expect(usage).toMatchObject({ liveBytes: 1001, trashBytes: 110 });
    expect(usage.freedFromTrash(new Set(['y']))).toBe(0);
    expect(usage.freedFromTrash(new Set(['x']))).toBe(100);
    expect(usage.freedFromTrash(new Set(['x', 'y']))).toBe(110);
  });
});

describe('the table', () => {
  test('keeps records as they were, the oldest first', () => {
    const record = image('1');
    toTrash(record, 'x');
    state.trash.insert({
      id: 'w',
      kind: 'volume',
      object: 'v',
      name: 'v',
      removedAt: 0,
      sizeBytes: 5,
      record: { name: 'v', createdAt: 1, labels: {}, anonymous: false },
    });
    expect(state.trash.list().map((entry) => entry.id)).toEqual(['w', 'x']);
    expect(state.trash.find('x')?.record).toEqual(record);
    expect(state.trash.findObject('image', record.id)).toHaveLength(1);
    state.trash.measured('x', 7);
    expect(state.trash.find('x')?.sizeBytes).toBe(7);
    state.trash.remove('x');
    expect(state.trash.find('x')).toBeUndefined();
  });

  test('is added to a store of before', () => {
    image('1');
    state[Symbol.dispose]();
    const path = join(directory, 'graph', 'selkie.db');
    const database = new DatabaseSync(path);
    database.exec('DROP TABLE trash; DROP TABLE blob_places; PRAGMA user_version = 1');
    database.close();
    state = open();
    expect(state.images.list()).toHaveLength(1);
    expect(state.trash.list()).toEqual([]);
  });
});

describe('settings', () => {
  const identity = { homeDirectory: '/nonexistent', rootless: true };
  const read = (text: string) => {
    const path = join(directory, 'selkie.conf');
    writeFileSync(path, text);
    return loadTrashSettings(identity, { SELKIE_CONF: path });
  };

  test('7 days and 10 percent, unless a file says otherwise', () => {
    expect(loadTrashSettings(identity, { SELKIE_CONF: join(directory, 'none') })).toEqual({ keepDays: 7, maximumPercent: 10 });
    expect(read('[trash]\nkeep_days = 0\nmaximum_percent = 25\n')).toEqual({ keepDays: 0, maximumPercent: 25 });
  });

  test.each(['[trash]\nkeep_days = -1\n', '[trash]\nmaximum_percent = 101\n', '[trash]\nkeep_days = "x"\n', '[trash\n'])(
    '%j is refused',
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    },
  );
});

test('the plan says what goes, what is shared, and who uses what stays', () => {
  const plan: PrunePlan = {
    containers: [],
    volumes: [],
    images: [
      { id: id('1'), names: ['localhost/a:1'], uniqueBytes: 1000, lastUsedAt: 0, usedBy: ['web'] },
      { id: id('2'), names: [], uniqueBytes: 0, lastUsedAt: 0, usedBy: [] },
    ],
    totalBytes: 3000,
    kept: [{ kind: 'image', object: id('3'), name: 'localhost/c:1', usedBy: ['db'] }],
  };
  const text = planText(plan, { nowMs: 3_600_000, keepDays: 7 });
  expect(text).toMatch(/^KIND .*\nimage +1000.* localhost\/a:1 +1kB +About an hour ago +web \(also removed\)\nimage .* <none> .*\n/);
  expect(text).toContain('Kept: image localhost/c:1, which db uses\n');
  expect(text).toContain(
    'Without these 2, 3kB are free, 2kB of it shared between images that all go. They are kept in the trash for 7 days',
  );
  expect(planText({ ...plan, images: [], kept: [] }, { nowMs: 0, keepDays: 0 })).toBe('There is nothing to remove.\n');
});
