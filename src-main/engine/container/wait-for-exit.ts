import { disposable } from '../../base/disposable.ts';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { ContainerRecord } from '../state/state.ts';
import { findExit } from './exit.ts';
import { isActive, type Room } from './room.ts';

/** One run of a container, and from where in the event log on its `died` is to be sought. */
export interface RunIdentity {
  readonly id: ContainerId;
  readonly pidStartTime: number;
  readonly afterSequence: number;
}

/** Take the sequence before the record is read: an exit in between is then found in either. */
export function identifyRun(room: Room, record: ContainerRecord, afterSequence: number): RunIdentity {
  return { id: record.id, pidStartTime: record.pidStartTime, afterSequence };
}

/**
 * Resolves with the exit code as soon as conmon has reported it, or another engine has recorded it: by inotify on the exit
 * folder and on the store's signal file; within seconds when the monitor was killed, of whose container nobody reports the end. Does
 * not itself handle the exit. `cancelled` when the signal fires.
 */
export function waitForExit(room: Room, run: RunIdentity, signal?: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const check = (): void => {
    try {
      const code = exitCodeOf(room, run);
      if (code !== undefined) resolve(code);
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const onAbort = (): void => reject(new EngineError('cancelled', 'cancelled', { cause: signal?.reason }));
  const exits = room.exitHub.subscribe((id) => {
    if (id === run.id) check();
  });
  const changes = room.state.events.onChange(check);
  const alive = lookNowAndThen(check);
  signal?.addEventListener('abort', onAbort);
  check();
  return promise.finally(() => {
    exits[Symbol.dispose]();
    changes[Symbol.dispose]();
    alive[Symbol.dispose]();
    signal?.removeEventListener('abort', onAbort);
  });
}

/** Undefined while it runs. */
export function exitCodeOf(room: Room, run: RunIdentity): number | undefined {
  const record = room.state.containers.find(run.id);
  if (record && isActive(record) && record.pidStartTime === run.pidStartTime) return findExit(room, record)?.code;
  const died = room.state.events.after(run.afterSequence).find((event) => event.id === run.id && event.status === 'died');
  if (died?.exitCode !== undefined) return died.exitCode;
  if (record?.state === 'exited' && record.exitCode !== undefined) return record.exitCode;
  if (record) return undefined;
  throw new EngineError('not-found', `container ${run.id.slice(0, 12)} was removed before its exit code could be read`);
}

/** Waits for an exit, but not longer than so: answers undefined then. */
export async function waitForExitWithin(
  room: Room,
  run: RunIdentity,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  throwIfAborted(signal);
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  try {
    return await waitForExit(room, run, signal ? AbortSignal.any([signal, timeout]) : timeout);
  } catch (error) {
    if (timeout.aborted && signal?.aborted !== true) return undefined;
    throw error;
  }
}

/** One look costs a query and one small read of /proc. */
const lookEveryMs = 2000;

/**
 * inotify tells nothing of the end of a container whose monitor was killed: so somebody who waits for it looks himself now and then. It
 * keeps the process from ending too, which inotify does not.
 */
export function lookNowAndThen(look: () => void): Disposable {
  const timer = setInterval(look, lookEveryMs);
  return disposable(() => clearInterval(timer));
}
