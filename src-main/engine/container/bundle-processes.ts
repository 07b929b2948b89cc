import { readdirSync, readFileSync } from 'node:fs';
import type { Room } from './room.ts';

export interface BundleProcess {
  readonly pid: number;
  readonly containerId: string;
  /** The monitor of the container itself; else a runtime at work for it, or the monitor of an exec. */
  readonly isMonitor: boolean;
}

/**
 * Processes that were told a bundle of this run root on their command line: monitors, and runtimes in the middle of a create. The only way to
 * find those whose engine was killed before it could write down their number. Reads all of /proc: for repairs alone.
 */
export function findBundleProcesses(room: Room): BundleProcess[] {
  const pattern = new RegExp(`(?:^|\\0)--?b(?:undle)?[=\\0]${escape(room.paths.bundles)}/([0-9a-f]{64})(?:\\0|/|$)`);
  return readdirSync('/proc').flatMap((name): BundleProcess[] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const text = readFileSync(`/proc/${name}/cmdline`, 'latin1');
      const containerId = pattern.exec(text)?.[1];
      if (containerId === undefined) return [];
      return [{ pid: Number(name), containerId, isMonitor: text.includes(`\0--cuuid=${containerId}\0`) }];
    } catch {
      return [];
    }
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
