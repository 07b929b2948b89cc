/**
 * `npm run bench`: measures Selkie beside whatever is installed of Podman, Docker and the raw runtime, prints a table and writes
 * test/.output/bench.json. Not a test: nothing fails because of a number.
 *
 *   npm run bench -- [--rows id,id] [--runs N] [--idle-seconds N] [--without podman,docker,selkie,floor]
 *                    [--app FOLDER: another installation than this checkout] [--list]
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench, outputDirectory, type Bench } from './bench.ts';
import { firstLine } from './measure.ts';
import { table, toResult, writeResults } from './report.ts';
import type { Measurement, Row, RowResult } from './row.ts';
import { rows } from './rows/rows.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    runs: { type: 'string', default: '15' },
    'idle-seconds': { type: 'string', default: '60' },
    without: { type: 'string', default: '' },
    app: { type: 'string', default: join(import.meta.dirname, '../..') },
    list: { type: 'boolean', default: false },
  },
});

function chosenRows(): readonly Row[] {
  if (values.rows === undefined) return rows;
  const wanted = values.rows.split(',');
  const unknown = wanted.filter((id) => !rows.some((row) => row.id === id));
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}; there are ${rows.map((row) => row.id).join(', ')}`);
  return rows.filter((row) => wanted.includes(row.id));
}

async function measureRow(row: Row, bench: Bench): Promise<Measurement> {
  try {
    return await row.measure(bench);
  } catch (error) {
    return { values: {}, notes: [firstLine(error)] };
  }
}

async function main(): Promise<void> {
  const chosen = chosenRows();
  if (values.list) {
    for (const row of chosen) console.log(`${row.id}\t${row.title}: ${row.target}`);
    return;
  }
  const bench = await openBench({
    runs: Number(values.runs),
    idleSeconds: Number(values['idle-seconds']),
    without: values.without.split(','),
    app: resolve(values.app),
  });
  const results: RowResult[] = [];
  // What runs is taken away with the rest; a second signal ends it at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void bench.close().finally(() => process.exit(130)));
  try {
    const { selkie, podman, docker, floor } = bench;
    console.log(
      `selkie ${selkie?.version ?? '–'}, podman ${podman?.version ?? '–'}, docker ${docker?.version ?? '–'}, crun ${floor?.version ?? '–'}`,
    );
    for (const note of bench.notes) console.log(note);
    for (const row of chosen) {
      console.log(`\n${row.title} …`);
      const measurement = await measureRow(row, bench);
      for (const note of measurement.notes ?? []) console.log(`  ${note}`);
      results.push(toResult(row, measurement));
    }
  } finally {
    await bench.close();
  }
  console.log(`\n${table(results)}`);
  const path = join(outputDirectory, 'bench.json');
  writeResults(path, results);
  console.log(`\nwritten to ${path}`);
}

await main();
