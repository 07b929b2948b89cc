import { isEngineError } from '../../base/errors.ts';
import type { ContainerId } from '../../contract/ids.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { restartDelayMs, wantsRestart } from './restart-policy.ts';
import { appendEvent, endOperation, type Room } from './room.ts';
import type { Settled } from './exit.ts';

interface Waiting {
  readonly settled: Settled;
  readonly timer: NodeJS.Timeout;
  readonly done: PromiseWithResolvers<undefined>;
}

/**
 * Containers whose restart policy lets them run again after a pause. Each keeps its `container.cleanup` operation open: if this
 * engine is killed while it waits, the next one restarts the container.
 */
export class Restarts {
  readonly #room: Room;
  readonly #report: (message: string) => void;
  readonly #waiting = new Map<ContainerId, Waiting>();

  constructor(room: Room, report: (message: string) => void) {
    this.#room = room;
    this.#report = report;
  }

  get size(): number {
    return this.#waiting.size;
  }

  schedule(settled: Settled): void {
    const { id } = settled.record;
    const delayMs = this.#nextDelay(settled);
    const done = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => void this.#run(id), delayMs);
    this.#waiting.set(id, { settled, timer, done });
  }

  /** Resolves when one of those that wait now has been restarted. */
  async next(): Promise<void> {
    await Promise.race([...this.#waiting.values()].map(({ done }) => done.promise));
  }

  /** Restarts all that wait, without their pauses: this engine is about to end. */
  async flush(): Promise<void> {
    await Promise.all([...this.#waiting.keys()].map((id) => this.#run(id)));
  }

  async #run(id: ContainerId): Promise<void> {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    try {
      await restartNow(this.#room, waiting.settled);
    } catch (error) {
      if (!isEngineError(error, 'not-found')) this.#report(`restarting container ${waiting.settled.record.name}: ${String(error)}`);
    } finally {
      waiting.done.resolve(undefined);
    }
  }

  #nextDelay({ record }: Settled): number {
    const path = join(this.#room.paths.directory(record.id), 'restart-delay');
    const delayMs = restartDelayMs(readDelay(path), (record.finishedAt ?? 0) - (record.startedAt ?? 0));
    // Kept beside the log, since each exit may be handled by another process.
    this.#room.system.files.writeAtomically(path, String(delayMs));
    return delayMs;
  }
}

function readDelay(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1')) || 0;
  } catch {
    return 0;
  }
}

/** Starts it again if the policy still wants that once the lock is held: a user may have started, stopped or removed it meanwhile. */
export async function restartNow(room: Room, settled: Settled): Promise<void> {
  const { startContainer } = await import('./start.ts');
  try {
    await startContainer(room, settled.record.id, {
      onlyIf: (record) => record.state === 'exited' && record.finishedAt === settled.record.finishedAt && wantsRestart(record),
      restartCount: settled.record.restartCount + 1,
    });
  } finally {
    room.state.transaction(() => {
      const record = room.state.containers.find(settled.record.id);
      if (record?.state === 'running' && record.restartCount > settled.record.restartCount) appendEvent(room, record, 'restart');
      endOperation(settled.operation);
    });
  }
}
