import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageStore, SaveOptions } from '../../../src-main/engine/image/image.ts';
import { archive, oldSparse, pax } from '../../fixtures/layer/archive-writer.ts';
import { Podman, hasPodman, hasSkopeo, skopeo } from './peers.ts';
import { makeImage, makeTar, noise } from './test-image.ts';
import { TestRegistry, pushImage, registryProgram } from './test-registry.ts';
import { ProgressLog, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? '(skipped: needs root)' : registryProgram === undefined ? '(skipped: needs docker-registry)' : '';

/** What is hardest to put together again: files that the same archive replaces, holes, links, whiteouts, bytes behind the end. */
const upper = Buffer.concat([
  archive(
    { name: 'twice', data: noise(1_500_000, 'first') },
    { name: 'folder/', type: '5' },
    { name: 'folder/inside', data: 'kept although the folder goes' },
    { name: 'twice', data: noise(70_000, 'second') },
    { name: 'folder', type: '2', link: 'twice' },
    { name: 'hard', type: '1', link: 'twice' },
    { name: '.wh.lower' },
    oldSparse('holes', 300_000, [
      [4096, 'a'],
      [250_000, 'b'.repeat(600)],
    ]),
    pax([['mtime', '1700000000.25']]),
    { name: 'fine', data: 'x' },
  ),
  Buffer.from('behind the end'),
]);

describe.skipIf(reason !== '')(`saving images ${reason}`, () => {
  let registry: TestRegistry;
  let directory: string;
  let store: TestStore;
  let images: ImageStore;
  let engine: ReturnType<TestStore['openEngine']>;
  let oci: ReturnType<typeof makeImage>;
  let docker: ReturnType<typeof makeImage>;
  let ociName: string;
  let dockerName: string;

  beforeAll(async () => {
    registry = await TestRegistry.start();
    // In lower case: podman takes a folder's name for the name of the image in it.
    directory = `/tmp/selkie-save-test-${String(process.pid)}`;
    mkdirSync(directory);
    const lower = await makeTar({ lower: noise(2_500_000, 'lower'), 'etc/passwd': 'root:x:0:0::/:/bin/sh\n' });
    oci = makeImage([lower, upper]);
    docker = makeImage([lower, await makeTar({ other: 'x' }), await makeTar({ other: 'x' })], { docker: true });
    await pushImage(registry, 'team/oci', 'v1', oci);
    await pushImage(registry, 'team/docker', 'v1', docker);
    ociName = `${registry.host}/team/oci:v1`;
    dockerName = `${registry.host}/team/docker:v1`;
    store = new TestStore();
    engine = store.openEngine();
    images = engine.images;
    for (const name of [ociName, dockerName]) await images.pull(name, { policy: 'always', tlsVerify: false });
  });
  afterAll(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string): string => join(directory, name);
  const save = (names: readonly string[], name: string, format: SaveOptions['format'], more: Partial<SaveOptions> = {}) =>
    images.save(names, { format, path: file(name), ...more });
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

  async function loadElsewhere(name: string): Promise<{ id: string; name: string; diffIds: string[] }[]> {
    await using other = new TestStore();
    using fresh = other.openEngine();
    const loaded = await fresh.images.load(file(name), {});
    return loaded.map(({ record, name: shown }) => ({
      id: record.id,
      name: shown,
      diffIds: fresh.images.inspect(record.id).layers.map(({ diffId }) => diffId),
    }));
  }

  const diffIds = ({ layers }: typeof oci): string[] => layers.map(({ diffId }) => diffId);

  test.each([
    ['docker-archive', 'a.tar', {}],
    ['oci-archive', 'b.tar', {}],
    ['oci-archive', 'plain.tar', { uncompressed: true }],
    ['oci-dir', 'oci', {}],
    ['docker-dir', 'dir', {}],
    ['docker-dir', 'dir-gz', { compress: true }],
  ] as const)('%s (%s) is loaded to the same image, and saved twice the same bytes', async (format, name, more) => {
    expect(await save([ociName], name, format, more)).toEqual([{ id: oci.id, name: ociName }]);
    const named = format === 'docker-dir' ? oci.id : ociName;
    expect(await loadElsewhere(name)).toEqual([{ id: oci.id, name: named, diffIds: diffIds(oci) }]);
    await save([ociName], `again-${name}`, format, more);
    const tree = (path: string): unknown =>
      statSync(path).isFile()
        ? digest(path)
        : readdirSync(path, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => [entry.name, digest(join(entry.parentPath, entry.name))])
            .sort();
    expect(tree(file(`again-${name}`))).toEqual(tree(file(name)));
  });

  test('several images in one docker-archive share their layers', async () => {
    const progress = new ProgressLog();
    await save([ociName, dockerName], 'both.tar', 'docker-archive', { names: ['extra:2'], onProgress: progress.add });
    const loaded = await loadElsewhere('both.tar');
    expect(loaded.map(({ id }) => id)).toEqual([oci.id, docker.id]);
    const members = execFileSync('tar', ['tf', file('both.tar')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(members).toHaveLength(new Set([...diffIds(oci), ...diffIds(docker)]).size + 3);
    const manifest = JSON.parse(execFileSync('tar', ['xOf', file('both.tar'), 'manifest.json'], { encoding: 'utf8' })) as {
      RepoTags: string[];
    }[];
    expect(manifest[0]?.RepoTags).toEqual([ociName, 'localhost/extra:2']);
    expect(progress.states(oci.layers[1]?.diffId ?? oci.config.digest)).toEqual(['copying', 'done']);
    expect(progress.states(oci.layers[0]?.diffId ?? oci.config.digest)).toEqual(['copying', 'done', 'present']);
    await expect(save([ociName, dockerName], 'no', 'oci-dir')).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test.skipIf(!hasSkopeo)('skopeo reads all of them and finds the same digests', async () => {
    const from = { 'docker-archive': 'docker-archive', 'oci-archive': 'oci-archive', 'oci-dir': 'oci', 'docker-dir': 'dir' } as const;
    for (const [format, transport] of Object.entries(from)) {
      const name = `skopeo-${format}`;
      await save([dockerName], name, format as keyof typeof from);
      const config = JSON.parse(skopeo('inspect', '--config', `${transport}:${file(name)}`)) as { rootfs: { diff_ids: string[] } };
      expect(config.rootfs.diff_ids).toEqual(diffIds(docker));
      // skopeo decompresses every layer here and compares it with the configuration.
      skopeo('copy', `${transport}:${file(name)}`, `docker-archive:${file(`${name}.copy`)}`);
      expect((await loadElsewhere(`${name}.copy`)).map(({ id, diffIds: found }) => [id, found])).toEqual([[docker.id, diffIds(docker)]]);
    }
  });

  test.skipIf(!hasSkopeo)('what skopeo writes is loaded, folders of docker too', async () => {
    await save([dockerName], 'origin.tar', 'docker-archive');
    for (const [transport, name] of [
      ['oci', 'by-skopeo-oci'],
      ['dir', 'by-skopeo-dir'],
      ['oci-archive', 'by-skopeo-oci.tar'],
    ] as const) {
      skopeo('copy', `docker-archive:${file('origin.tar')}`, `${transport}:${file(name)}`);
      expect((await loadElsewhere(name))[0]?.diffIds).toEqual(diffIds(docker));
    }
  });

  test.skipIf(!hasPodman)('podman loads all of them, with the same id; what podman saves is loaded', async () => {
    // Not the other image: containers/storage refuses an archive that replaces its own files.
    for (const format of ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'] as const) {
      using podman = new Podman();
      await save([dockerName], `podman-${format}`, format);
      podman.run('load', '-q', '-i', file(`podman-${format}`));
      expect(podman.identity(docker.id)).toEqual({ id: docker.id, diffIds: diffIds(docker) });
      podman.run('save', '-q', '--format', format, '-o', file(`by-podman-${format}`), docker.id);
      const [loaded] = await loadElsewhere(`by-podman-${format}`);
      expect(loaded?.diffIds).toEqual(diffIds(docker));
    }
  });

  test('a file that was changed on the disk is named, and nothing is left', async () => {
    await using other = new TestStore();
    using fresh = other.openEngine();
    const { record } = await fresh.images.pull(ociName, { policy: 'always', tlsVerify: false });
    const [lower] = record.chainIds;
    if (!lower) throw new Error('no layer');
    const changed = join(fresh.snapshots.diffDirectory(lower), 'lower');
    const bytes = readFileSync(changed);
    bytes[1_234_567] = (bytes[1_234_567] ?? 0) ^ 4;
    writeFileSync(changed, bytes);
    mkdirSync(file('damaged'));
    const target = { format: 'docker-archive', path: join(file('damaged'), 'x.tar') } as const;
    await expect(fresh.images.save([record.id], target)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(new RegExp(`layer ${oci.layers[0]?.diffId ?? ''}: its file "lower" was changed`)) as string,
      fix: expect.stringContaining('pull or load them again') as string,
      details: { file: 'lower' },
    });
    expect(readdirSync(file('damaged'))).toEqual([]);
    // A folder, too.
    await expect(fresh.images.save([record.id], { ...target, format: 'oci-dir' })).rejects.toMatchObject({ code: 'corrupt' });
    expect(readdirSync(file('damaged'))).toEqual([]);
    // Healed by pulling again.
    await fresh.images.remove(record.id, { force: false });
    await fresh.images.pull(ociName, { policy: 'always', tlsVerify: false });
    await fresh.images.save([record.id], target);
    expect(readdirSync(file('damaged'))).toEqual(['x.tar']);
  });

  test('a store of whole copies gives the same archives', async () => {
    await using other = new TestStore({ storageDriver: 'vfs' });
    using fresh = other.openEngine();
    await fresh.images.pull(ociName, { policy: 'always', tlsVerify: false });
    await fresh.images.save([ociName], { format: 'docker-archive', path: file('vfs.tar') });
    await save([ociName], 'overlay.tar', 'docker-archive');
    expect(digest(file('vfs.tar'))).toBe(digest(file('overlay.tar')));
  });

  test('a layer without a recipe, as the first version left them, says so', async () => {
    await using other = new TestStore();
    using fresh = other.openEngine();
    const { record } = await fresh.images.pull(ociName, { policy: 'always', tlsVerify: false });
    const [lower] = record.chainIds;
    if (!lower) throw new Error('no layer');
    rmSync(join(fresh.snapshots.diffDirectory(lower), '../recipe'));
    expect(fresh.layers.canRead(lower)).toBe(false);
    await expect(fresh.images.save([record.id], { format: 'docker-archive', path: file('none.tar') })).rejects.toMatchObject({
      code: 'unsupported',
      fix: expect.stringContaining('pull or load them again') as string,
    });
    expect(readdirSync(directory)).not.toContain('none.tar');
  });

  test('cancelled in the middle, it leaves what was there', async () => {
    const abort = new AbortController();
    writeFileSync(file('before.tar'), 'before');
    const saving = save([ociName], 'before.tar', 'oci-archive', {
      signal: abort.signal,
      onProgress: (progress) => {
        if (progress.kind === 'layer' && progress.state === 'copying') abort.abort();
      },
    });
    await expect(saving).rejects.toMatchObject({ code: 'cancelled' });
    expect(readFileSync(file('before.tar'), 'utf8')).toBe('before');
    expect(readdirSync(directory).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('a full disk is said to be one, and is not fuller afterwards', async () => {
    mkdirSync(file('small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', file('small')]);
    try {
      for (const format of ['docker-archive', 'oci-dir'] as const)
        await expect(save([ociName], 'small/x', format)).rejects.toMatchObject({ code: 'disk-full' });
      expect(readdirSync(file('small'))).toEqual([]);
    } finally {
      execFileSync('umount', [file('small')]);
    }
  });

  test('a folder that is not empty is left alone', async () => {
    mkdirSync(file('full'));
    writeFileSync(file('full/mine'), 'mine');
    await expect(save([ociName], 'full', 'oci-dir')).rejects.toMatchObject({ code: 'already-exists' });
    expect(readdirSync(file('full'))).toEqual(['mine']);
    await expect(save([ociName], 'full', 'docker-archive')).rejects.toMatchObject({ code: 'already-exists' });
    await expect(save([ociName], 'missing/x.tar', 'docker-archive')).rejects.toMatchObject({ code: 'not-found' });
  });
});
