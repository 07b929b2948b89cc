import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineOptions, tmpDirectory } from '../engine/config/config.ts';
import { createLinuxSystem } from '../system/linux/linux.ts';
import { namespaceOf, readRecord } from './pause-process.ts';

/**
 * Ends the pause process whose sandbox this process is in, so that the next engine makes a new one by the ids and settings of then. What runs in the
 * sandbox keeps it alive. Answers whether there was one.
 */
export function endSandbox(options: EngineOptions): boolean {
  const system = createLinuxSystem();
  const folder = tmpDirectory(options, system.identity, process.env);
  const record = readRecord(system, folder);
  if (record === undefined || system.processes.startTime(record.pid) !== record.startTime) return false;
  // Another one's, or one that has got the number: not ours to end.
  if (namespaceOf(record.pid, 'mnt') !== namespaceOf('self', 'mnt')) return false;
  system.processes.signal(record.pid, 'SIGKILL');
  for (const name of ['pause.pid', 'pause.lock']) rmSync(join(folder, name), { force: true });
  return true;
}
