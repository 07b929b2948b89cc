/**
 * Runs the cases in this process's namespaces and reports each as a line of JSON. Arguments: an empty folder and the name of a way; or
 * `victim` or `mapped-victim`, a way, a graph root and a run root: works on that store until it is killed.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSnapshotStore } from '../../src-main/engine/snapshot/snapshot.ts';
import { createLinuxSystem } from '../../src-main/system/linux/linux.ts';
import { choiceCases } from './snapshot-choice.ts';
import { snapshotStoreCases } from './snapshot-cases.ts';
import { beVictim } from './snapshot-faults.ts';
import { beMappedVictim } from './snapshot-mapped.ts';
import { strangePathCase, ways } from './snapshot-store.ts';
import type { Way } from './snapshot-store.ts';

const system = createLinuxSystem();

function report(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function openStore(way: Way, graphRoot: string, runRoot = `${graphRoot}-run`) {
  mkdirSync(graphRoot, { recursive: true });
  return openSnapshotStore({ config: { graphRoot, runRoot, ...way }, system });
}

function context(way: Way, graphRoot: string) {
  const open = (root = graphRoot) => openStore(way, root);
  return { graphRoot, open, store: open(), system, victim: ['victim', way.name, graphRoot] };
}

async function runCase(base: string, name: string, run: () => Promise<void> | void): Promise<void> {
  try {
    await run();
    const leaked = system.mounts.list().filter(({ mountPoint }) => mountPoint.startsWith(base)).length;
    report({ name, ...(leaked === 0 ? {} : { error: `${String(leaked)} mounts were left` }) });
  } catch (error) {
    report({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function wayOf(name: string | undefined): Way {
  const way = ways.find((candidate) => candidate.name === name);
  if (!way) throw new Error(`no such way: ${String(name)}`);
  return way;
}

async function runAll(base: string, wayName: string): Promise<void> {
  if (wayName === 'choice') {
    for (const [index, { name, run }] of choiceCases.entries()) {
      const graphRoot = join(base, String(index));
      mkdirSync(graphRoot);
      await runCase(base, name, () => run({ graphRoot, runRoot: `${graphRoot}-run`, system }));
    }
    return;
  }
  const way = wayOf(wayName);
  report({ status: openStore(way, join(base, 'status')).status() });
  for (const [index, { name, run }] of snapshotStoreCases.entries())
    await runCase(base, name, () => run(context(way, join(base, String(index), 'graph'))));
  // So long that not ten plain paths would fit, and with what means something to overlay.
  const strangeName = way.name === 'fuse-overlayfs' ? 'a, strange name\\' : 'a, strange: name\\';
  const strange = join(base, strangeName.padEnd(200, 'x'), 'y'.repeat(200));
  await runCase(base, strangePathCase.name, () => strangePathCase.run(context(way, strange)));
}

const [first = '', second = '', third = ''] = process.argv.slice(2);
if (first === 'victim') await beVictim(openStore(wayOf(second), third), system);
else if (first === 'mapped-victim') await beMappedVictim(openStore(wayOf(second), third));
else await runAll(first, second);
