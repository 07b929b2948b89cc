import type { ContainerRecord } from '../state/state.ts';

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A container that ran for so long is taken to have started well: the delay begins anew (Docker's rule). */
const settledMs = 10_000;

/** Whether the policy wants a container that has just exited to run again. Never after the user's own stop, or a failed start. */
export function wantsRestart(record: ContainerRecord): boolean {
  const policy = record.config.spec.restartPolicy;
  if (record.stoppedByUser || record.error !== '' || record.config.spec.remove) return false;
  switch (policy.name) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      if (record.exitCode === 0) return false;
      return policy.maximumRetries === 0 || record.restartCount < policy.maximumRetries;
  }
}

/** Doubles from 100 ms to a minute while the container keeps ending soon after its start. */
export function restartDelayMs(previousDelayMs: number, ranForMs: number): number {
  if (previousDelayMs === 0 || ranForMs >= settledMs) return firstDelayMs;
  return Math.min(previousDelayMs * 2, longestDelayMs);
}
