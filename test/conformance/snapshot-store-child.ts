/** Runs the cases in this process's namespaces and reports each as a line of JSON. Arguments: an empty folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import { createLinuxSystem } from '../../src-main/system/linux/linux.ts';
import { snapshotStoreCases, strangePathCase } from './snapshot-store.ts';

const [base = ''] = process.argv.slice(2);
const system = createLinuxSystem();

function report(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function context(graphRoot: string, runRoot: string) {
  mkdirSync(graphRoot, { recursive: true });
  const config = { graphRoot, runRoot, storageDriver: undefined, storageOptions: [] };
  const open = () => openSnapshotStore({ config, system });
  return { graphRoot, open, store: open(), system };
}

async function runCase(name: string, graphRoot: string, run: (given: ReturnType<typeof context>) => Promise<void> | void): Promise<void> {
  try {
    await run(context(graphRoot, `${graphRoot}-run`));
    const leaked = system.mounts.list().filter(({ mountPoint }) => mountPoint.startsWith(base)).length;
    report({ name, ...(leaked === 0 ? {} : { error: `${String(leaked)} mounts were left` }) });
  } catch (error) {
    report({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

report({ status: context(join(base, 'status'), join(base, 'status-run')).store.status() });
for (const [index, { name, run }] of snapshotStoreCases.entries()) await runCase(name, join(base, String(index)), run);
// So long that not ten plain paths would fit, and with what means something to overlay.
await runCase(strangePathCase.name, join(base, 'a, strange: name\\'.padEnd(200, 'x'), 'y'.repeat(200)), strangePathCase.run);
