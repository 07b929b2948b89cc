import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeImage, makeTar, noise } from './test-image.ts';
import { TestRegistry, pushImage, registryProgram, serveBefore } from './test-registry.ts';
import { TestStore, contentsOf, nothing } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';
const checkout = join(import.meta.dirname, '../../..');

describe.skipIf(reason !== '')(`an engine killed in mid-pull ${reason}`, () => {
  let directory: string;
  let registry: TestRegistry;

  beforeAll(async () => {
    registry = await TestRegistry.start();
    directory = mkdtempSync('/tmp/selkie-killed-');
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ssr: true,
        outDir: directory,
        target: 'node22',
        rolldownOptions: {
          input: {
            child: join(import.meta.dirname, 'killed-child.ts'),
            'unpack-worker': join(checkout, 'src-main/engine/layer/unpack-worker.ts'),
          },
          external: ['koffi'],
          output: { entryFileNames: '[name].js', format: 'es' },
        },
      },
      ssr: { noExternal: true, external: ['koffi'] },
    });
    for (const library of ['koffi', '@koromix'])
      cpSync(join(checkout, 'node_modules', library), join(directory, 'node_modules', library), { recursive: true });
    cpSync(join(checkout, 'package.json'), join(directory, 'package.json'));
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  async function progressUntil(child: ChildProcess, wanted: (line: string) => boolean): Promise<void> {
    if (!child.stdout) throw new Error('no stdout');
    for await (const line of createInterface({ input: child.stdout })) if (wanted(line)) return;
    throw new Error('the child ended');
  }

  test('recover takes away what it unpacked; the next pull uses what it fetched', async () => {
    const image = makeImage([await makeTar({ lower: 'x' }), await makeTar({ upper: noise(4_000_000, 'killed') })]);
    const [lower, upper] = image.layers;
    if (!lower || !upper) throw new Error('two layers');
    await pushImage(registry, 'app', 'v1', image);
    let killed = false;
    await using proxy = await serveBefore(registry, (asked, upstream, answer) => {
      if (killed || asked.url?.endsWith(upper.digest) !== true) return false;
      answer.writeHead(200, upstream.headers);
      let left = 3_000_000;
      // The rest never comes.
      upstream.on('data', (chunk: Buffer) => {
        answer.write(chunk.subarray(0, Math.max(left, 0)));
        left -= chunk.length;
      });
      return true;
    });
    await using store = new TestStore();
    const child = spawn(process.execPath, [join(directory, 'child.js'), store.directory, `${proxy.host}/app:v1`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await progressUntil(child, (line) => line.includes(lower.digest) && line.includes('"done"'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    killed = true;

    using engine = store.openEngine();
    expect(engine.state.layers.list()).toHaveLength(1);
    expect(engine.state.images.list()).toEqual([]);
    const said = await engine.images.recover();
    expect(said).toEqual([`pull of ${proxy.host}/app:v1 had died: 1 unneeded layers removed`]);
    for (const operation of engine.state.operations.abandoned())
      if (operation.kind === 'layer.unpack') engine.state.operations.remove(operation.id);
    expect(contentsOf(engine)).toEqual(nothing);
    expect(await engine.images.recover()).toEqual([]);
    expect(store.partials()).toContain(lower.digest.slice(7));

    const before = proxy.requests.length;
    expect((await engine.images.pull(`${proxy.host}/app:v1`, { policy: 'always', tlsVerify: false })).record.id).toBe(image.id);
    const again = proxy.requests.slice(before).map(({ url }) => url ?? '');
    expect(again.filter((url) => url.includes(lower.digest))).toEqual([]);
  });
});
