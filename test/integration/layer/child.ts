/** Runs the cases in this process's namespaces and reports each as a line of JSON. Arguments: an empty folder, the worker's file. */
import { join } from 'node:path';
import { exactnessCases } from './exactness.ts';
import { fuzz } from './fuzz.ts';
import { hostileCases, safetyCases } from './safety.ts';
import { Sandbox } from './sandbox.ts';

const [base = '', workerPath = '', seed = '1', fuzzMs = '4000'] = process.argv.slice(2);

async function report(name: string, run: () => Promise<object | undefined>): Promise<void> {
  let line: object;
  const started = performance.now();
  try {
    line = { name, ...(await run()) };
  } catch (error) {
    line = { name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (process.env['SELKIE_TEST_TIMES'] !== undefined) process.stderr.write(`${(performance.now() - started).toFixed()} ms ${name}\n`);
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

for (const [group, cases] of Object.entries({ exactness: exactnessCases, safety: safetyCases }))
  for (const [index, { name, run }] of cases.entries())
    await report(name, async () => {
      const sandbox = new Sandbox(join(base, `${group}-${String(index)}`), workerPath);
      await run(sandbox);
      sandbox.close();
      return undefined;
    });

// One store for all of them: a refused archive leaves it as it was.
const sandbox = new Sandbox(join(base, 'hostile'), workerPath);
for (const { name, run } of hostileCases)
  await report(name, async () => {
    await run(sandbox);
    return undefined;
  });
sandbox.close();

await report('fuzz', () => fuzz(join(base, 'fuzz'), Number(fuzzMs), Number(seed)));
