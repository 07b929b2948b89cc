/** A store that Docker made, adopted while its daemon runs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ImportDone, ImportRequest } from '../../../src-main/contract/adopt.ts';
import { type AdoptRooms, importFrom, planImport } from '../../../src-main/engine/adopt/adopt.ts';
import { createVolumeStore } from '../../../src-main/engine/volume/volume.ts';
import { type TestEngine, TestStore } from '../image/test-store.ts';
import { dockerArchive, listing, oddTar, whiteoutImage } from './trees.ts';

const daemonPath = ['/usr/sbin/dockerd', '/usr/bin/dockerd'].find((path) => existsSync(path));
const reason = process.getuid?.() !== 0 ? 'needs root' : daemonPath === undefined ? 'needs dockerd' : '';

class Docker {
  readonly directory = mkdtempSync('/tmp/selkie-docker-');
  readonly dataRoot = join(this.directory, 'data');
  readonly #socket = join(this.directory, 'docker.sock');
  #daemon: ChildProcess | undefined;

  async start(): Promise<void> {
    const log = openSync(join(this.directory, 'log'), 'w');
    const places = ['--data-root', this.dataRoot, '--exec-root', join(this.directory, 'exec'), '--pidfile', join(this.directory, 'pid')];
    const options = [
      '--host',
      `unix://${this.#socket}`,
      '--bridge',
      'none',
      '--iptables=false',
      '--storage-driver',
      'overlay2',
      '--log-level',
      'error',
    ];
    // Each becomes the next, so that the child is dockerd.
    const script = 'mount --make-rprivate /; umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
    this.#daemon = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', daemonPath ?? '', ...places, ...options], {
      stdio: ['ignore', log, log],
    });
    const ended = once(this.#daemon, 'exit').then(() => {
      throw new Error(`dockerd did not come up: ${readFileSync(join(this.directory, 'log'), 'utf8').slice(-2000)}`);
    });
    // Its socket takes connections before it answers, and answers when it is ready.
    await Promise.race([ended, this.#answered()]);
    ended.catch(() => undefined);
  }

  async #answered(): Promise<void> {
    const { setTimeout: pause } = await import('node:timers/promises');
    for (;;) {
      if (existsSync(this.#socket)) {
        try {
          this.run('version');
          return;
        } catch {
          // Not yet.
        }
      }
      await pause(100);
    }
  }

  run(...args: string[]): string {
    return execFileSync('docker', ['--host', `unix://${this.#socket}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon?.exitCode === null) {
      const exited = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      await exited;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe.skipIf(reason !== '')(`a store of Docker ${reason}`, () => {
  let docker: Docker;
  let store: TestStore;
  let engine: TestEngine;
  let rooms: AdoptRooms;
  let work: string;

  beforeAll(async () => {
    work = mkdtempSync('/tmp/selkie-adopt-');
    docker = new Docker();
    await docker.start();
    docker.run('import', oddTar(join(work, 'odd')), 'odd:1');
    docker.run('tag', 'odd:1', 'example.test/team/odd:2');
    docker.run('load', '-q', '-i', await dockerArchive(join(work, 'white.tar'), await whiteoutImage(), 'example.test/white:1'));
  }, 60_000);
  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  }, 60_000);
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
    from: 'docker',
    root: docker.dataRoot,
    images: true,
    volumes: false,
    names: [],
    ...more,
  });
  const run = async (more: Partial<ImportRequest> = {}): Promise<ImportDone[]> => {
    const plan = await planImport(rooms, request(more), undefined);
    const done: ImportDone[] = [];
    const images = plan.images.filter(({ action }) => action === 'copy').map(({ id }) => id);
    await importFrom(
      rooms,
      { from: 'docker', root: plan.root, images, volumes: [] },
      { onProgress: () => undefined, onDone: (item) => done.push(item) },
    );
    return done;
  };

  test('images come with their ids, names and layers, and the store is as it was', async () => {
    const parts = ['image', 'overlay2'].map((name) => join(docker.dataRoot, name));
    const before = parts.flatMap((path) => listing(path));
    expect((await run()).map(({ kind }) => kind)).toEqual(['image', 'image']);
    expect(parts.flatMap((path) => listing(path))).toEqual(before);
    for (const name of ['odd:1', 'example.test/white:1']) {
      const [there] = JSON.parse(docker.run('image', 'inspect', name)) as { Id: string; RootFS: { Layers: string[] } }[];
      const { record } = engine.images.resolve(name);
      expect(`sha256:${record.id}`).toBe(there?.Id);
      expect(record.chainIds.map((chainId) => engine.layers.find(chainId)?.diffId)).toEqual(there?.RootFS.Layers);
      for (const chainId of record.chainIds) await engine.layers.verify(chainId);
    }
    expect(engine.images.resolve('odd:1').record.names.toSorted()).toEqual(['docker.io/library/odd:1', 'example.test/team/odd:2']);
    expect((await planImport(rooms, request(), undefined)).images.map(({ action }) => action)).toEqual(['present', 'present']);
  });

  test('the manifest is the one that a load of the same image makes', async () => {
    await run({ names: ['example.test/white:1'] });
    const { manifestDigest } = engine.images.resolve('example.test/white:1').record;
    await engine.images.remove('example.test/white:1', { force: true });
    await engine.images.load(join(work, 'white.tar'), {});
    expect(engine.images.resolve('example.test/white:1').record.manifestDigest).toBe(manifestDigest);
  });

  test('a file that was changed, and a folder that holds another store, are refused in one line', async () => {
    const copy = join(store.directory, 'copy');
    execFileSync('cp', ['-a', docker.dataRoot, copy]);
    const folder = readdirSync(join(copy, 'overlay2')).find((name) => existsSync(join(copy, 'overlay2', name, 'diff/etc/one'))) ?? '';
    writeFileSync(join(copy, 'overlay2', folder, 'diff/etc/one'), 'two\n');
    const [done] = await run({ root: copy, names: ['odd:1'] });
    expect(done).toMatchObject({
      kind: 'failed',
      code: 'corrupt',
      message: expect.stringMatching(/the file "\.\/etc\/one" in it was changed$/) as string,
    });
    expect(engine.images.list()).toEqual([]);
    await expect(planImport(rooms, request({ root: work }), undefined)).rejects.toMatchObject({ code: 'not-found' });
  });
});
