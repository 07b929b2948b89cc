import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerId, Digest, ImageId } from '../../../src-main/contract/ids.ts';
import {
  type ContainerConfig,
  type ContainerRecord,
  type ImageRecord,
  openState,
  type State,
} from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';

const system = createLinuxSystem();
let directory: string;
let state: State;

const open = () => openState({ graphRoot: join(directory, 'graph'), runRoot: join(directory, 'run'), system });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'selkie-state-'));
  state = open();
});
afterEach(() => {
  state[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const id = (start: string) => start.padEnd(64, '0') as ContainerId;

function container(idStart: string, name: string): ContainerRecord {
  return {
    id: id(idStart),
    name,
    imageId: id('1') as unknown as ImageId,
    createdAt: 1,
    config: { imageName: 'x' } as unknown as ContainerConfig,
    state: 'created',
    pid: 0,
    pidStartTime: 0,
    conmonPid: 0,
    conmonStartTime: 0,
    startedAt: undefined,
    finishedAt: undefined,
    exitCode: undefined,
    oomKilled: false,
    error: '',
    restartCount: 0,
    stoppedByUser: false,
    network: undefined,
    networkState: undefined,
    bootId: 'b',
  };
}

function image(idStart: string, names: string[]): ImageRecord {
  return {
    id: id(idStart) as unknown as ImageId,
    manifestDigest: undefined,
    names,
    repoDigests: [],
    chainIds: [`sha256:${id('a')}` as Digest],
    createdAt: 1,
    sizeBytes: 1,
    architecture: 'amd64',
    os: 'linux',
    labels: {},
    storedAt: 2,
  };
}

describe('what is synced to the disk', () => {
  test('that something is there, is called so, or is being removed; not who runs, the journal, or events', () => {
    const synced: string[] = [];
    const files = { ...system.files, syncFile: (path: string) => void synced.push(path) };
    using counted = openState({ graphRoot: join(directory, 'graph'), runRoot: join(directory, 'run'), system: { ...system, files } });
    const syncs = (change: () => unknown): number => {
      synced.length = 0;
      change();
      return synced.length;
    };
    const { id: one } = container('ab', 'one');
    expect(syncs(() => counted.operations.begin('container.create', one))).toBe(0);
    expect(syncs(() => counted.containers.insert(container('ab', 'one')))).toBe(1);
    expect(synced[0]).toBe(join(directory, 'graph', 'selkie.db-wal'));
    expect(syncs(() => counted.containers.update(one, { state: 'running', pid: 1 }))).toBe(0);
    expect(syncs(() => counted.containers.update(one, { name: 'two' }))).toBe(1);
    expect(
      syncs(() =>
        counted.transaction(() => {
          counted.containers.update(one, { state: 'removing' });
          counted.images.put(image('c', ['d']));
          counted.events.append({ type: 'image', status: 'tag', id: 'c', name: 'd' });
        }),
      ),
    ).toBe(1);
    expect(syncs(() => counted.images.remove(image('c', []).id))).toBe(1);
    expect(syncs(() => counted.volumes.insert({ name: 'v', createdAt: 1, labels: {}, anonymous: false }))).toBe(1);
    // A change that was taken back does not make the next one durable.
    expect(() =>
      counted.transaction(() => {
        counted.volumes.remove('v');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(syncs(() => counted.containers.update(one, { pid: 2 }))).toBe(0);
  });
});

describe('containers', () => {
  test('come back as they were put in', () => {
    const record = { ...container('ab', 'one'), network: undefined, networkState: { a: [1] }, exitCode: 0, startedAt: 5 };
    state.containers.insert(record);
    expect(state.containers.get(record.id)).toEqual(record);
    expect(state.containers.update(record.id, { state: 'running', pid: 7 })).toMatchObject({ state: 'running', pid: 7, name: 'one' });
    expect(state.containers.get(record.id)).toMatchObject({ state: 'running', pid: 7, networkState: { a: [1] } });
  });

  test('are found by name, by id and by the beginning of an id; an ambiguous one is refused with the candidates', () => {
    state.containers.insert(container('abc1', 'one'));
    state.containers.insert(container('abc2', 'two'));
    expect(state.containers.resolve('one').name).toBe('one');
    expect(state.containers.resolve(id('abc2')).name).toBe('two');
    expect(state.containers.resolve('abc2').name).toBe('two');
    expect(() => state.containers.resolve('abc')).toThrow(
      expect.objectContaining({ code: 'ambiguous', message: expect.stringContaining('one') as string }),
    );
    expect(() => state.containers.resolve('abd')).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(() => state.containers.resolve('%')).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test('a name like the beginning of another’s id means the name', () => {
    state.containers.insert(container('abc1', 'one'));
    state.containers.insert(container('fff1', 'abc'));
    expect(state.containers.resolve('abc').id).toBe(id('fff1'));
  });

  test('names are unique, also when renamed, and a refusal changes nothing', () => {
    state.containers.insert(container('a', 'one'));
    expect(() => state.containers.insert(container('b', 'one'))).toThrow(
      expect.objectContaining({ code: 'already-exists', details: { field: 'name', holder: id('a') } }),
    );
    state.containers.insert(container('b', 'two'));
    expect(() => state.containers.update(id('b'), { name: 'one' })).toThrow(expect.objectContaining({ code: 'already-exists' }));
    expect(state.containers.list().map(({ name }) => name)).toEqual(['one', 'two']);
  });
});

test('an image’s name moves to the image that was put last', () => {
  state.images.put(image('a', ['docker.io/library/x:latest', 'localhost/y:1']));
  state.images.put(image('b', ['docker.io/library/x:latest']));
  expect(state.images.find(id('a') as unknown as ImageId)?.names).toEqual(['localhost/y:1']);
  expect(state.images.findByName('docker.io/library/x:latest')?.id).toBe(id('b'));
  expect(state.images.findByIdPrefix('b')).toHaveLength(1);
  state.images.remove(id('b') as unknown as ImageId);
  expect(state.images.findByName('docker.io/library/x:latest')).toBeUndefined();
});

describe('transactions', () => {
  test('a failing one leaves nothing, an inner one belongs to the outer', () => {
    expect(() =>
      state.transaction(() => {
        state.containers.insert(container('a', 'one'));
        state.events.append({ type: 'container', status: 'create', id: id('a'), name: 'one' });
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(state.containers.list()).toEqual([]);
    expect(state.events.lastSequence()).toBe(0);
  });

  test('another engine is told of a commit without polling', async () => {
    using other = open();
    const told = new Promise<void>((resolve) => {
      const watch = other.events.onChange(() => {
        if (other.events.lastSequence() === 0) return;
        watch[Symbol.dispose]();
        resolve();
      });
    });
    state.transaction(() => {
      state.events.append({ type: 'container', status: 'start', id: 'x', name: 'x' });
    });
    await told;
    expect(other.events.after(0)).toMatchObject([{ sequence: 1, status: 'start' }]);
  });
});

describe('operations', () => {
  test('one in progress is not abandoned, one of a dead process is', async () => {
    using _own = state.operations.begin('image.pull', 'x');
    expect(state.operations.abandoned()).toEqual([]);
    const child = spawn('sleep', ['60']);
    const startTime = system.processes.startTime(child.pid ?? 0) ?? -1;
    const database = new DatabaseSync(join(directory, 'graph', 'selkie.db'));
    database
      .prepare(
        "INSERT INTO operations (kind, object, details, pid, pid_start_time, started_at) VALUES ('container.start', 'c', '{}', ?, ?, 1)",
      )
      .run(child.pid ?? 0, startTime);
    database.close();
    expect(state.operations.abandoned()).toEqual([]);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(state.operations.abandoned()).toMatchObject([{ kind: 'container.start', object: 'c' }]);
  });

  test('end with their scope, unless kept for the next engine', () => {
    {
      using operation = state.operations.begin('container.create', 'a');
      expect(operation.id).toBeGreaterThan(0);
    }
    const kept = state.operations.begin('container.create', 'b');
    kept.keep();
    kept[Symbol.dispose]();
    using raw = openRaw();
    expect(raw.database.prepare('SELECT object FROM operations').all()).toEqual([{ object: 'b' }]);
  });
});

function openRaw() {
  const database = new DatabaseSync(join(directory, 'graph', 'selkie.db'));
  return { database, [Symbol.dispose]: () => database.close() };
}

describe('a store that is not ours to open', () => {
  test('of a newer version is refused in words', () => {
    using raw = openRaw();
    raw.database.exec('PRAGMA user_version = 99');
    expect(() => open()).toThrow(expect.objectContaining({ code: 'version-mismatch' }));
  });

  test('a damaged file is refused in words and left as it is', () => {
    const graphRoot = join(directory, 'damaged');
    execFileSync('mkdir', [graphRoot]);
    writeFileSync(join(graphRoot, 'selkie.db'), 'this is no database, and long enough to be read as one'.repeat(100));
    expect(() => openState({ graphRoot, runRoot: join(directory, 'run'), system })).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });
});

test('locks hold between two engines and are let go of', async () => {
  using other = open();
  const held = await state.lock('container', 'x');
  expect(other.tryLock('container', 'x')).toBeUndefined();
  expect(other.tryLock('image', 'x')).toBeDefined();
  held.release();
  expect(other.tryLock('container', 'x')).toBeDefined();
});
