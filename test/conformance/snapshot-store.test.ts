import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotStoreCases, strangePathCase } from './snapshot-store.ts';
import { Bundle, worlds } from './worlds.ts';
import type { Report } from './worlds.ts';

const bundle = new Bundle();
let child = '';
beforeAll(async () => {
  child = await bundle.add('snapshot-store', join(import.meta.dirname, 'snapshot-store-child.ts'));
});
afterAll(() => bundle[Symbol.dispose]());

describe.each(worlds())('overlay snapshots $name', (world) => {
  const { lack, rootless } = world;
  let reports: Report[] = [];
  beforeAll(() => {
    if (lack === undefined) reports = bundle.run(world, child);
  });
  const because = lack === undefined ? '' : ` (skipped: ${lack})`;

  test.skipIf(lack !== undefined).each([...snapshotStoreCases, strangePathCase].map((entry) => entry.name))(`%s${because}`, (caseName) => {
    const report = reports.find((line) => line.name === caseName);
    expect(report).toBeDefined();
    expect(report?.error).toBeUndefined();
  });

  test.skipIf(lack !== undefined)(`the choice is explained${because}`, () => {
    const status = reports.find((line) => 'status' in line)?.['status'];
    expect(status).toMatchObject({ userxattr: String(rootless), 'Native Overlay Diff': 'true' });
    expect(status).toMatchObject({ driverReason: expect.stringContaining('trial mount') as string });
  });
});
