import { EngineError } from '../../base/errors.ts';
import type { ContainerRecord } from '../state/state.ts';
import { isActive, type Room } from './room.ts';
import { exitCodeOf, identifyRun, lookNowAndThen } from './wait-for-exit.ts';

/**
 * Resolves when one of the conditions holds: `exited` at once for one that has ended, and for one that was never started when it
 * has run and ended. With the exit code; 0 where there is none yet. A container that is removed meanwhile ends every wait.
 */
export async function waitForCondition(room: Room, nameOrId: string, conditions: readonly string[], signal: AbortSignal): Promise<number> {
  const afterSequence = room.state.events.lastSequence();
  let last = room.state.containers.resolve(nameOrId);
  let run = identifyRun(room, last, afterSequence);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const check = (): void => {
    try {
      const now = room.state.containers.find(last.id);
      if (!now) {
        resolve(goneCode(room, last, afterSequence));
        return;
      }
      if (now.pidStartTime !== run.pidStartTime && isActive(now)) run = identifyRun(room, now, afterSequence);
      last = now;
      const ended = isActive(now) ? exitCodeOf(room, run) : undefined;
      const state = ended === undefined ? now.state : 'exited';
      if (conditions.some((condition) => condition === state || (condition === 'running' && state === 'stopping'))) {
        resolve(ended ?? now.exitCode ?? 0);
      }
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const onAbort = (): void => reject(new EngineError('cancelled', 'cancelled', { cause: signal.reason }));
  const exits = room.exitHub.subscribe((id) => {
    if (id === last.id) check();
  });
  const changes = room.state.events.onChange(check);
  using _alive = lookNowAndThen(check);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  else check();
  try {
    return await promise;
  } finally {
    exits[Symbol.dispose]();
    changes[Symbol.dispose]();
    signal.removeEventListener('abort', onAbort);
  }
}

function goneCode(room: Room, last: ContainerRecord, afterSequence: number): number {
  const died = room.state.events.after(afterSequence).findLast((event) => event.id === last.id && event.status === 'died');
  return died?.exitCode ?? last.exitCode ?? 0;
}
