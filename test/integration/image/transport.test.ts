/** Images by references with a transport: where they come from, and folders that are there already. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasSkopeo, skopeo } from './peers.ts';
import { makeTar } from './test-image.ts';
import { type TestEngine, TestStore } from './test-store.ts';

describe('transports', () => {
  let store: TestStore;
  let engine: TestEngine;
  let id: string;
  beforeEach(async () => {
    store = new TestStore();
    engine = store.openEngine();
    const path = store.write('files.tar', await makeTar({ a: 'b' }));
    id = (await engine.images.importTar({ source: { path }, reference: 'localhost/app:1', changes: [], message: '' })).record.id;
  });
  afterEach(async () => {
    engine[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  });
  const at = (name: string): string => join(store.directory, name);
  const save = (format: 'oci-dir' | 'docker-dir' | 'docker-archive' | 'oci-archive', path: string, name?: string) =>
    engine.images.save(['localhost/app:1'], { format, path, withoutName: true, names: name === undefined ? [] : [name] });
  const pull = async (reference: string) =>
    (await engine.images.pullAll(reference, { policy: 'always', workingDirectory: store.directory })).flatMap(({ record }) => [record.id]);

  test('a layout is added to: what it had stays, a name moves; without a name a choice is asked for', async () => {
    await save('oci-dir', at('layout'), 'one');
    await save('oci-dir', at('layout'), 'two');
    await save('oci-dir', at('layout'), 'two');
    const index = JSON.parse(readFileSync(at('layout/index.json'), 'utf8')) as { manifests: { annotations: Record<string, string> }[] };
    expect(index.manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name'])).toEqual(['one', 'two']);
    expect(readdirSync(at('layout')).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
    await engine.images.remove(id, { force: true });
    await expect(pull('oci:layout')).rejects.toMatchObject({ code: 'ambiguous' });
    await expect(pull('oci:layout:three')).rejects.toMatchObject({ code: 'not-found' });
    expect(await pull('oci:layout:two')).toEqual([id]);
    expect(engine.images.resolve('localhost/layout').record.id).toBe(id);
  });

  test.skipIf(!hasSkopeo)(`skopeo reads each image of such a layout${hasSkopeo ? '' : ' (skopeo is not installed)'}`, async () => {
    await save('oci-dir', at('layout'), 'one');
    skopeo('copy', '-q', `oci:${at('layout')}:one`, `oci:${at('layout')}:theirs`);
    await save('oci-dir', at('layout'), 'two');
    for (const name of ['one', 'theirs', 'two']) expect(skopeo('inspect', '--config', `oci:${at('layout')}:${name}`)).toContain('created');
  });

  test('a dir: is replaced whole, and nothing else that is in the way', async () => {
    await save('docker-dir', at('dir'));
    writeFileSync(at('dir/leftover'), '');
    await save('docker-dir', at('dir'));
    expect(readdirSync(at('dir'))).not.toContain('leftover');
    expect(readdirSync(store.directory).filter((name) => name.startsWith('.'))).toEqual([]);
    mkdirSync(at('other'));
    writeFileSync(at('other/mine'), 'kept');
    for (const format of ['docker-dir', 'oci-dir'] as const)
      await expect(save(format, at('other'))).rejects.toMatchObject({ code: 'already-exists' });
    expect(readFileSync(at('other/mine'), 'utf8')).toBe('kept');
    expect(await pull('dir:dir')).toEqual([id]);
  });

  test('archives come in by name and by position; a kind that it is not is refused', async () => {
    await save('docker-archive', at('docker.tar'), 'reg.example/app:9');
    await save('oci-archive', at('oci.tar'), 'v1');
    expect(await pull('docker-archive:docker.tar:reg.example/app:9')).toEqual([id]);
    expect(await pull('docker-archive:docker.tar:@0')).toEqual([id]);
    expect(await pull('oci-archive:oci.tar:v1')).toEqual([id]);
    for (const wrong of ['docker-archive:docker.tar:other', 'docker-archive:docker.tar:@1'])
      await expect(pull(wrong)).rejects.toMatchObject({ code: 'not-found' });
    for (const wrong of ['docker-archive:oci.tar', 'oci-archive:docker.tar', 'oci:oci.tar'])
      await expect(pull(wrong)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('this store may be named, another one is refused', async () => {
    const { graphRoot } = store;
    expect(await pull('containers-storage:localhost/app:1')).toEqual([id]);
    expect(await pull(`containers-storage:[${graphRoot}]localhost/app:1`)).toEqual([id]);
    expect(engine.images.find(`containers-storage:[${engine.snapshots.driver}@${graphRoot}]app:1`)?.record.id).toBe(id);
    await expect(pull('containers-storage:[/elsewhere]localhost/app:1')).rejects.toMatchObject({ code: 'unsupported' });
    expect(() => engine.images.find('containers-storage:[zfs@/elsewhere]app')).toThrow(/not this one/);
    expect(() => engine.images.resolve('oci:app')).toThrow(/unsupported transport/);
    engine.images.tag('localhost/app:1', ['containers-storage:localhost/oci:1']);
    expect(engine.images.resolve('oci:1').record.id).toBe(id);
  });
});
