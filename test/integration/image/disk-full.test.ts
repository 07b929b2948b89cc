/** The disk fills at any stage of what brings images in: said in a line, nothing half visible, nothing left, and there is a way out. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isEngineError } from '../../../src-main/base/errors.ts';
import { makeImage, makeTar, noise, type TestImage } from './test-image.ts';
import { pushImage, registryProgram, TestRegistry } from './test-registry.ts';
import { contentsOf, nothing, type TestEngine, TestStore } from './test-store.ts';

const reason = process.getuid?.() !== 0 ? 'needs root' : registryProgram === undefined ? 'needs docker-registry' : '';

const steps = Number(process.env['SELKIE_DISK_FULL_STEPS'] ?? 8);
/** More than any of these operations takes. */
const largestFreeBytes = 9 * 1024 * 1024;
/** At another place each time; all are between nothing and enough, and most are where the store's own book has no room. */
const places = [
  ...Array.from({ length: 8 }, (_none, index) => index * 6_000),
  ...Array.from({ length: steps }, (_none, index) => Math.round(((index + Math.random()) / steps) ** 2 * largestFreeBytes)),
  largestFreeBytes,
];

describe.skipIf(reason !== '')(`a disk that fills ${reason}`, () => {
  let registry: TestRegistry;
  let image: TestImage;
  let archives: string;
  beforeAll(async () => {
    registry = await TestRegistry.start();
    const many = Object.fromEntries(Array.from({ length: 200 }, (_none, index) => [`folder/${index}`, `content of ${index}`]));
    image = makeImage([await makeTar({ ...many, lower: noise(1_000_000, 'lower') }), await makeTar({ upper: noise(1_000_000, 'upper') })]);
    await pushImage(registry, 'team/app', '1', image);
    archives = mkdtempSync('/tmp/selkie-archives-');
    await using store = new TestStore();
    using engine = store.openEngine();
    const { record } = await engine.images.pull(`${registry.host}/team/app:1`, { policy: 'always', tlsVerify: false });
    await engine.images.save([record.id], { format: 'docker-archive', path: join(archives, 'image.tar') });
    execFileSync('gzip', ['-k', join(archives, 'image.tar')]);
    writeFileSync(join(archives, 'files.tar'), await makeTar({ ...many, file: noise(2_000_000, 'file') }));
  });
  afterAll(async () => {
    rmSync(archives, { recursive: true });
    await registry[Symbol.asyncDispose]();
  });

  async function onSmallDisk(run: (store: TestStore, fill: (freeBytes: number) => void) => Promise<void>): Promise<void> {
    const directory = mkdtempSync('/tmp/selkie-full-');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', directory]);
    const ballast = join(directory, 'ballast');
    const free = () => {
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize;
    };
    try {
      await using store = new TestStore({ directory: join(directory, 'store') });
      await run(store, (freeBytes) => {
        rmSync(ballast, { force: true });
        writeFileSync(ballast, Buffer.alloc(Math.max(0, free() - freeBytes)));
      });
      rmSync(ballast, { force: true });
    } finally {
      execFileSync('umount', [directory]);
      execFileSync('rmdir', [directory]);
    }
  }

  const ways: [string, (engine: TestEngine) => Promise<unknown>][] = [
    ['pull', (engine) => engine.images.pull(`${registry.host}/team/app:1`, { policy: 'always', tlsVerify: false })],
    ['load', (engine) => engine.images.load(join(archives, 'image.tar'), {})],
    ['load, compressed', (engine) => engine.images.load(join(archives, 'image.tar.gz'), {})],
    [
      'import',
      (engine) =>
        engine.images.importTar({
          source: { path: join(archives, 'files.tar') },
          reference: 'localhost/files:1',
          changes: [],
          message: '',
        }),
    ],
  ];

  test.each(ways)('%s', async (_way, bring) => {
    await onSmallDisk(async (store, fill) => {
      using engine = store.openEngine();
      // The store is there, and has been used.
      const { record: first } = await bring(engine).then(() => ({ record: engine.state.images.list()[0] }));
      await engine.images.remove(first?.id ?? '', { force: true });
      const outcomes: string[] = [];
      for (const freeBytes of places) {
        fill(freeBytes);
        const outcome = await bring(engine).then(
          () => 'there',
          (error: unknown) => {
            const told = isEngineError(error) ? error : undefined;
            expect(told?.message ?? String(error), `${freeBytes} bytes free`).not.toMatch(/\n|\bat .*:\d+:\d+|SQLITE/);
            return told?.code ?? `no error of ours: ${String(error instanceof Error ? error.stack : error)}`;
          },
        );
        outcomes.push(outcome);
        fill(largestFreeBytes);
        if (outcome === 'there') {
          await engine.images.verify();
          expect(engine.images.findProblems()).toEqual([]);
          for (const { id } of engine.state.images.list()) await engine.images.remove(id, { force: true });
        } else expect(outcome, `${freeBytes} bytes free`).toBe('disk-full');
        expect(contentsOf(engine), `${freeBytes} bytes free`).toEqual(nothing);
        expect(store.partials()).toEqual([]);
        expect(store.blobs()).toEqual([]);
        expect(readdirSync(join(store.graphRoot, 'overlay/.trash'))).toEqual([]);
      }
      expect(outcomes[0]).toBe('disk-full');
      expect(outcomes.at(-1)).toBe('there');
    });
  });
});
