import { closeSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { loadConfig } from '../../engine/config/config.ts';
import { createEngine } from '../../engine/engine.ts';
import { parseGlobalArguments, prepareLimits, resourcesDirectory } from '../../launch/launch.ts';
import { createLinuxSystem } from '../../system/linux/linux.ts';
import type { Lock } from '../../system/system.ts';

/** A container that ends again at each restart must not keep this program for ever; each new exit starts another one. */
const roundsAtMost = 20;

/** `LOCK-FD RUNROOT GRAPHROOT [global options] [container]` */
export async function cleanUpExits([lockFd = '', runRoot = '', root = '', ...rest]: readonly string[]): Promise<void> {
  if (!/^\d+$/.test(lockFd) || runRoot === '' || root === '') {
    throw new EngineError('invalid-argument', 'usage: selkie-cleanup RUNROOT GRAPHROOT [global options]');
  }
  const system = createLinuxSystem();
  prepareLimits(system);
  const options = { ...parseGlobalArguments(rest.filter((word) => word.startsWith('--'))), root, runRoot };
  const config = loadConfig({ system, options, environment: process.env, resources: resourcesDirectory() });
  await using engine = createEngine(config, system);
  let office: Lock | undefined = inherited(Number(lockFd));
  for (let round = 0; office && round < roundsAtMost; round++) {
    let handled = 0;
    const before = new Set(pendingExits(runRoot));
    try {
      handled = await engine.handlePendingExits();
    } finally {
      office.release();
    }
    // Whoever reports an exit while we hold the office relies on us, up to the moment that we give it up. What could not be handled stays.
    const left = pendingExits(runRoot);
    const more = handled > 0 ? left.length > 0 : left.some((id) => !before.has(id));
    office = more ? system.locks.tryAcquire(join(runRoot, 'locks/janitor')) : undefined;
  }
  await engine.tidyTrash();
}

function pendingExits(runRoot: string): string[] {
  try {
    return readdirSync(join(runRoot, 'exits'));
  } catch {
    return [];
  }
}

function inherited(fd: number): Lock {
  const release = () => {
    closeSync(fd);
  };
  return { release, [Symbol.dispose]: release };
}
