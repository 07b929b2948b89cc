import { isCancelled } from '../../base/errors.ts';

/**
 * Waits until the last task has ended, then throws the first failure, in order of the tasks, that tells something: one that is only
 * the echo of another, or a cancellation, when there is no better.
 */
export async function settleAll(tasks: readonly Promise<void>[], isEcho: (error: unknown) => boolean = () => false): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (failures.length === 0) return;
  throw failures.find((failure) => !isCancelled(failure) && !isEcho(failure)) ?? failures[0];
}
