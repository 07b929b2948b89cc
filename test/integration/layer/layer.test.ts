import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bundle, worlds } from '../../conformance/worlds.ts';
import type { Report } from '../../conformance/worlds.ts';
import { exactnessCases } from './exactness.ts';
import { hostileCases, safetyCases } from './safety.ts';

const bundle = new Bundle();
const seed = process.env['SELKIE_FUZZ_SEED'] ?? '20240229';
const fuzzMs = process.env['SELKIE_FUZZ_MS'] ?? '4000';
let child = '';
let worker = '';
beforeAll(async () => {
  child = await bundle.add('layer', join(import.meta.dirname, 'child.ts'));
  worker = await bundle.add('unpack-worker', join(import.meta.dirname, '../../../src-main/engine/layer/unpack-worker.ts'));
});
afterAll(() => bundle[Symbol.dispose]());

describe.each(worlds())('layers $name', (world) => {
  let reports: Report[] = [];
  beforeAll(() => {
    if (world.lack === undefined) reports = bundle.run(world, child, worker, seed, fuzzMs);
  });
  const missing = world.lack !== undefined;
  const because = world.lack !== undefined ? ` (skipped: ${world.lack})` : '';
  // The cases name what they do by the world they run in; here they are counted by their place.
  const expected = exactnessCases.length + safetyCases.length + hostileCases.length + 1;

  test.skipIf(missing)(`all ${String(expected)} cases were run${because}`, () => {
    expect(reports).toHaveLength(expected);
  });

  test.skipIf(missing).each([...safetyCases, ...hostileCases].map(({ name }) => name))(`%s${because}`, (name) => {
    expect(reports.find((line) => line.name === name)).toEqual({ name });
  });

  test.skipIf(missing).each(exactnessCases.map(({ name }, index) => [name, index] as const))(`%s${because}`, (_, index) => {
    expect(reports[index]?.error).toBeUndefined();
  });

  test.skipIf(missing)(`mutated archives change nothing outside and fail in words (seed ${seed})${because}`, () => {
    const result = reports.find((line) => line.name === 'fuzz');
    expect(result?.error).toBeUndefined();
    // Both kinds were met, so the mutations are neither all harmless nor all broken at once.
    expect(result).toMatchObject({ codes: { corrupt: expect.any(Number) as number } });
    expect(Number(result?.['accepted'])).toBeGreaterThan(0);
    console.log(`${world.name}: ${JSON.stringify(result)}`);
  });
});
