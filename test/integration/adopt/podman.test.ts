/** Stores that Podman made, adopted. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ImportDone, ImportRequest } from '../../../src-main/contract/adopt.ts';
import type { TransferProgress } from '../../../src-main/contract/image.ts';
import { type AdoptRooms, importFrom, planImport } from '../../../src-main/engine/adopt/adopt.ts';
import { createVolumeStore } from '../../../src-main/engine/volume/volume.ts';
import { Podman, hasPodman } from '../image/peers.ts';
import { type TestEngine, TestStore, contentsOf, nothing } from '../image/test-store.ts';
import { dockerArchive, listing, oddTar, oddTree, whiteoutImage } from './trees.ts';

const reason = hasPodman ? '' : 'needs root and podman';
const resources = join(import.meta.dirname, '../../../resources');
const starter = 'localhost/selkie/starter:latest';

describe.each(['overlay', 'vfs'] as const)(`a store of Podman, %s ${reason}`, (driver) => {
  if (reason !== '') {
    test.skip('needs root and podman', () => undefined);
    return;
  }
  let podman: Podman;
  let store: TestStore;
  let engine: TestEngine;
  let rooms: AdoptRooms;
  let work: string;

  beforeAll(async () => {
    podman = new Podman(driver);
    work = mkdtempSync('/tmp/selkie-adopt-');
    podman.run('load', '-q', '-i', join(resources, 'starter-image/starter.tar'));
    podman.run('import', '-q', oddTar(join(work, 'odd')), 'localhost/odd:1');
    podman.run('tag', 'localhost/odd:1', 'example.test/team/odd:2');
    podman.run('load', '-q', '-i', await dockerArchive(join(work, 'white.tar'), await whiteoutImage(), 'example.test/white:1'));
    podman.run('volume', 'create', 'data');
    podman.run('volume', 'create', 'taken');
    oddTree(join(podman.graphRoot, 'volumes/data/_data'));
  });
  afterAll(() => {
    podman[Symbol.dispose]();
    rmSync(work, { recursive: true, force: true });
  });
  beforeEach(() => {
    store = new TestStore();
    engine = store.openEngine();
    const { system, graphRoot } = store;
    rooms = { system, images: engine.images, volumes: createVolumeStore({ config: { graphRoot }, state: engine.state, system }) };
    return async () => {
      engine[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    };
  });

  const request = (more: Partial<ImportRequest> = {}): ImportRequest => ({
    from: 'podman',
    root: podman.graphRoot,
    images: true,
    volumes: true,
    names: [],
    ...more,
  });
  const run = async (
    more: Partial<ImportRequest> = {},
    signal?: AbortSignal,
    onItem?: (progress: TransferProgress) => void,
  ): Promise<ImportDone[]> => {
    const plan = await planImport(rooms, request(more), undefined);
    const done: ImportDone[] = [];
    const wanted = {
      images: plan.images.filter(({ action }) => action === 'copy').map(({ id }) => id),
      volumes: plan.volumes.filter(({ action }) => action === 'copy').map(({ name }) => name),
    };
    await importFrom(
      rooms,
      { from: 'podman', root: plan.root, ...wanted },
      { signal, onProgress: (progress) => onItem?.(progress), onDone: (item) => done.push(item) },
    );
    return done;
  };
  const digestIn = (name: string): string => podman.run('image', 'inspect', '--format', '{{.Digest}}', name).trim();

  test('everything comes, with its digests, and the store is as it was', async () => {
    const before = listing(podman.graphRoot);
    const plan = await planImport(rooms, request(), undefined);
    expect(plan.images.map(({ action }) => action)).toEqual(['copy', 'copy', 'copy']);
    expect(contentsOf(engine)).toEqual(nothing);
    const done = await run();
    expect(listing(podman.graphRoot)).toEqual(before);
    expect(done.map(({ kind }) => kind).sort()).toEqual(['image', 'image', 'image', 'volume', 'volume']);
    for (const name of [starter, 'localhost/odd:1', 'example.test/white:1']) {
      const { record } = engine.images.resolve(name);
      const there = podman.identity(name);
      expect(record.id).toBe(there.id);
      expect(record.manifestDigest).toBe(digestIn(name));
      expect(record.chainIds.map((chainId) => engine.layers.find(chainId)?.diffId)).toEqual(there.diffIds);
      for (const chainId of record.chainIds) await engine.layers.verify(chainId);
    }
    expect(engine.images.resolve('localhost/odd:1').record.names).toEqual(
      expect.arrayContaining(['localhost/odd:1', 'example.test/team/odd:2']),
    );
    expect(engine.images.resolve('localhost/odd:1').record.repoDigests).toContain(`localhost/odd@${digestIn('localhost/odd:1')}`);

    const white = engine.images.resolve('example.test/white:1').record.chainIds.at(-1) ?? '';
    const path = engine.snapshots.mount(white, { readOnly: true });
    try {
      expect(readdirSync(join(path, 'etc'))).toEqual(['kept']);
      expect(readdirSync(join(path, 'dir'))).toEqual(['new']);
    } finally {
      engine.snapshots.unmount(white);
    }
  });

  test('saved again, Podman reads the same images; a second run does nothing', async () => {
    await run();
    const again = await planImport(rooms, request(), undefined);
    expect(again.images.map(({ action }) => action)).toEqual(['present', 'present', 'present']);
    expect(again).toMatchObject({ copyBytes: 0, volumes: [{ action: 'skip' }, { action: 'skip' }] });
    expect(await run()).toEqual([]);
    using other = new Podman('vfs');
    const archive = join(store.directory, 'odd.tar');
    await engine.images.save(['localhost/odd:1'], { format: 'docker-archive', path: archive });
    other.run('load', '-q', '-i', archive);
    expect(other.identity('localhost/odd:1')).toEqual(podman.identity('localhost/odd:1'));
  });

  test('volumes: owners, attributes, links, holes; a name that is taken is left', async () => {
    await rooms.volumes.create('taken', {});
    const plan = await planImport(rooms, request({ images: false }), undefined);
    expect(plan.images).toEqual([]);
    expect(plan.volumes).toEqual([
      { name: 'data', action: 'copy', reason: '', sizeBytes: expect.any(Number) as number },
      { name: 'taken', action: 'skip', reason: 'there is a volume of that name here, and it stays', sizeBytes: 0 },
    ]);
    await run({ images: false });
    const [source, copy] = [join(podman.graphRoot, 'volumes/data/_data'), rooms.volumes.path('data')];
    expect(listing(copy, { ofCopy: true })).toEqual(listing(source, { ofCopy: true }));
    expect(Buffer.from(store.system.attributes.getXattr(join(copy, 'etc/hard'), 'user.color') ?? []).toString()).toBe('blue');
    // Holes are kept by the megabyte.
    expect(statSync(join(copy, 'sparse')).blocks * 512).toBeLessThan(1_100_000);
    expect(statSync(join(copy, 'etc/one')).ino).toBe(statSync(join(copy, 'etc/hard')).ino);
    expect(readdirSync(join(store.graphRoot, 'volumes')).sort()).toEqual(['data', 'taken']);
  });

  test('names choose, and one that nothing has is an error; a name of another image here stays there', async () => {
    expect(
      (await run({ names: ['white:1', 'data'] })).map((item) => (item.kind === 'volume' ? item.name : 'names' in item ? item.names : item)),
    ).toEqual([['example.test/white:1'], 'data']);
    await expect(run({ names: ['nosuch'] })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('"nosuch"') as string,
    });
    engine.images.tag('white:1', ['localhost/odd:1']);
    const plan = await planImport(rooms, request({ names: ['team/odd:2'] }), undefined);
    expect(plan.images).toMatchObject([{ action: 'copy', reason: 'localhost/odd:1 is another image here, and stays' }]);
    await run({ names: ['team/odd:2'] });
    expect(engine.images.resolve('localhost/odd:1').record.id).toBe(podman.identity('example.test/white:1').id);
    expect(engine.images.resolve('example.test/team/odd:2').record.names).toEqual(['example.test/team/odd:2']);
  });

  test('a layer that was there is not copied again', async () => {
    await engine.images.load(join(work, 'white.tar'), { names: ['localhost/mine:1'] });
    const plan = await planImport(rooms, request({ names: ['white:1'] }), undefined);
    expect(plan).toMatchObject({ copyBytes: 0, images: [{ action: 'copy', layers: 2 }] });
    const states: string[] = [];
    await run({ names: ['white:1'] }, undefined, (progress) => progress.kind === 'layer' && states.push(progress.state));
    expect(states).toEqual(['present', 'present']);
  });

  test('cancelled in the middle, nothing of it is left', async () => {
    const abort = new AbortController();
    const work = run({}, abort.signal, (progress) => {
      if (progress.kind === 'layer' && progress.state === 'unpacking') abort.abort();
    });
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    expect(contentsOf(engine)).toMatchObject(nothing);
  });

  test('on a full disk nothing of it is left, be it an image or a volume', async () => {
    const directory = mkdtempSync('/tmp/selkie-adopt-small-');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3500k', 'tmpfs', directory]);
    try {
      const small = new TestStore({ directory });
      using full = small.openEngine();
      const volumes = createVolumeStore({ config: { graphRoot: small.graphRoot }, state: full.state, system: small.system });
      rooms = { system: small.system, images: full.images, volumes };
      await expect(run({ names: ['localhost/odd:1'] })).rejects.toMatchObject({ code: 'disk-full' });
      expect(contentsOf(full)).toEqual(nothing);
      await expect(run({ names: ['data'] })).rejects.toMatchObject({ code: 'disk-full' });
      expect(volumes.list()).toEqual([]);
      expect(readdirSync(join(small.graphRoot, 'volumes'))).toEqual([]);
    } finally {
      execFileSync('umount', [directory]);
      rmSync(directory, { recursive: true });
    }
  });

  test('a copy of a volume whose process died is taken back, and one that was whole is finished', async () => {
    const { pid: dead } = spawnSync('true');
    const volumes = join(store.graphRoot, 'volumes');
    for (const [name, folder] of [
      ['half', '.adopted-0123456789abcdef'],
      ['whole', '.adopted-fedcba9876543210'],
    ] as const) {
      engine.state.operations.begin('volume.adopt', name, { folder }).keep();
      mkdirSync(join(volumes, name === 'half' ? folder : name, '_data'), { recursive: true });
    }
    using database = new DatabaseSync(join(store.graphRoot, 'selkie.db'));
    database.prepare('UPDATE operations SET pid = ?').run(dead);
    expect(await rooms.volumes.recover()).toEqual([
      'took back the import of volume half, which was interrupted',
      'finished the import of volume whole, which was interrupted',
    ]);
    expect(readdirSync(volumes)).toEqual(['whole']);
    expect(rooms.volumes.list().map(({ name }) => name)).toEqual(['whole']);
    expect(engine.state.operations.list()).toEqual([]);
  });

  describe('damage', () => {
    let copy: string;
    let layer: string;
    let files: string;
    let tarSplit: string;

    beforeEach(() => {
      copy = join(work, 'copy');
      execFileSync('cp', ['-a', podman.graphRoot, copy]);
      const images = JSON.parse(readFileSync(join(copy, `${driver}-images/images.json`), 'utf8')) as { names?: string[]; layer: string }[];
      layer = images.find(({ names }) => names?.includes('localhost/odd:1'))?.layer ?? '';
      files = driver === 'vfs' ? join(copy, 'vfs/dir', layer) : join(copy, 'overlay', layer, 'diff');
      tarSplit = join(copy, `${driver}-layers/${layer}.tar-split.gz`);
      return () => {
        rmSync(copy, { recursive: true, force: true });
      };
    });

    const refusal = async (): Promise<string> => {
      const options = { root: copy, volumes: false, names: ['localhost/odd:1'] };
      const plan = await planImport(rooms, request(options), undefined);
      if (plan.images[0]?.action === 'skip') return plan.images[0].reason;
      const [done] = await run(options);
      expect(contentsOf(engine)).toEqual(nothing);
      if (done?.kind !== 'failed') throw new Error('it was not refused');
      expect(done.message).toMatch(/^image example\.test\/team\/odd:2|^image localhost\/odd:1/);
      return done.message;
    };

    test('a file with another content, of the same size and time', async () => {
      const path = join(files, 'etc/one');
      const { atime, mtime } = statSync(path);
      writeFileSync(path, 'two\n');
      utimesSync(path, atime, mtime);
      expect(await refusal()).toMatch(/layer sha256:[0-9a-f]{64}: the file "\.\/etc\/one" in it was changed$/);
    });

    test('a file that was made longer, and one that is missing', async () => {
      appendFileSync(join(files, 'etc/one'), 'more');
      expect(await refusal()).toMatch(/the file "\.\/etc\/one" in it was changed: it has 8 bytes instead of 4$/);
      rmSync(join(files, 'etc/one'));
      expect(await refusal()).toMatch(/the file "\.\/etc\/one" in it is missing$/);
    });

    test('tar-split data that is cut off, changed, missing', async () => {
      const whole = readFileSync(tarSplit);
      truncateSync(tarSplit, whole.length - 30);
      expect(await refusal()).toMatch(/its tar-split data is damaged/);
      // In the padding at the end: a tar all the same.
      writeFileSync(tarSplit, gzipSync(gunzipSync(whole).toString('utf8').replace(/AAAA"/g, 'AAAB"')));
      expect(await refusal()).toMatch(/tar-split data was changed|in it was changed|malformed|checksum/);
      rmSync(tarSplit);
      expect(await refusal()).toMatch(/has no tar-split data, so that its archive cannot be put together again$/);
    });

    test('documents: a manifest that was changed, an index that is no JSON, layers that are not known', async () => {
      const { id } = podman.identity('localhost/odd:1');
      const manifest = join(copy, `${driver}-images`, id, 'manifest');
      const bytes = readFileSync(manifest);
      appendFileSync(manifest, ' ');
      expect(await refusal()).toMatch(/its manifest was changed/);
      writeFileSync(manifest, bytes);
      writeFileSync(join(copy, `${driver}-layers/layers.json`), '[]');
      expect(await refusal()).toMatch(/its layer [0-9a-f]{12} is not in/);
      writeFileSync(join(copy, `${driver}-images/images.json`), '[{');
      await expect(planImport(rooms, request({ root: copy }), undefined)).rejects.toThrow(/images\.json is not JSON$/);
    });

    test('another image of the same store comes all the same', async () => {
      renameSync(files, `${files}-gone`);
      const done = await run({ root: copy, volumes: false });
      expect(done.map(({ kind }) => kind).sort()).toEqual(['failed', 'image', 'image']);
      expect(existsSync(`${files}-gone`)).toBe(true);
      mkdirSync(files);
    });
  });
});
