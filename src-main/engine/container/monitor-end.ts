import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Room } from './room.ts';

const patienceNs = 1_000_000_000n;
const lookEveryMs = 5;

/**
 * After a start was undone: until its conmon has reported the end of what it watched, or is gone. A report that came later would look like
 * one of the next run. Longer than a second is not waited for, since such a report is told by its process's being alive.
 */
export async function waitForMonitor(room: Room, id: string, conmonPid: number): Promise<void> {
  const { clock, processes } = room.system;
  const giveUpAt = clock.monotonicNs() + patienceNs;
  while (processes.startTime(conmonPid) !== undefined && !existsSync(room.paths.exitFile(id)) && clock.monotonicNs() < giveUpAt) {
    await sleep(lookEveryMs);
  }
}
