import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLinuxSystem } from '../../src-main/system/linux/linux.ts';
import { snapshotStoreCases } from './snapshot-cases.ts';
import { choiceCases } from './snapshot-choice.ts';
import { strangePathCase, ways } from './snapshot-store.ts';
import { Bundle, worlds } from './worlds.ts';
import type { Report, World } from './worlds.ts';

const bundle = new Bundle();
let child = '';
beforeAll(async () => {
  child = await bundle.add('snapshot-store', join(import.meta.dirname, 'snapshot-store-child.ts'));
});
afterAll(() => bundle[Symbol.dispose]());

function lackOf(world: World, wayName: string): string | undefined {
  if (world.lack !== undefined || wayName === 'overlay' || wayName === 'vfs') return world.lack;
  if (createLinuxSystem().processes.find('fuse-overlayfs') === undefined) return 'fuse-overlayfs is not installed';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return '/dev/fuse cannot be opened';
  }
}

describe.each(worlds().flatMap((world) => ways.map((way) => ({ world, way, title: `${way.name} ${world.name}` }))))(
  'snapshots: $title',
  ({ world, way }) => {
    const lack = lackOf(world, way.name);
    let reports: Report[] = [];
    beforeAll(() => {
      if (lack === undefined) reports = bundle.run(world, child, way.name);
    });
    const because = lack === undefined ? '' : ` (skipped: ${lack})`;

    test.skipIf(lack !== undefined).each([...snapshotStoreCases, strangePathCase].map((entry) => entry.name))(
      `%s${because}`,
      (caseName) => {
        const report = reports.find((line) => line.name === caseName);
        expect(report).toBeDefined();
        expect(report?.error).toBeUndefined();
      },
    );

    test.skipIf(lack !== undefined)(`the choice is explained${because}`, () => {
      const status = reports.find((line) => 'status' in line)?.['status'];
      const expected = {
        overlay: {
          userxattr: String(world.rootless),
          'Native Overlay Diff': 'true',
          driverReason: expect.stringContaining('trial mount') as string,
        },
        'fuse-overlayfs': { 'Mount Program': expect.stringContaining('fuse-overlayfs') as string, 'Native Overlay Diff': 'false' },
        vfs: { 'Native Overlay Diff': 'false', driverReason: 'it was asked for' },
      }[way.name];
      expect(status).toMatchObject(expected ?? {});
    });
  },
);

describe.each(worlds())('the choice of a driver $name', (world) => {
  const lack = lackOf(world, 'fuse-overlayfs');
  let reports: Report[] = [];
  beforeAll(() => {
    if (lack === undefined) reports = bundle.run(world, child, 'choice');
  });
  const because = lack === undefined ? '' : ` (skipped: ${lack})`;

  test.skipIf(lack !== undefined).each(choiceCases.map(({ name }) => name))(`%s${because}`, (caseName) => {
    const report = reports.find((line) => line.name === caseName);
    expect(report).toBeDefined();
    expect(report?.error).toBeUndefined();
  });
});
