import { asyncDisposable } from '../../base/disposable.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { Lock } from '../../system/system.ts';
import { handleExit } from './after-exit.ts';
import type { ExitHandler } from './container.ts';
import { findExit } from './exit.ts';
import { isReportName } from './exit-hub.ts';
import type { Restarts } from './restarts.ts';
import type { Room } from './room.ts';

/** Each exit spawns the runtime's delete: more at once than this only makes all of them slower. */
const concurrency = 2;

/** Exits wait here for their turn, by the names of their reports; one that waits already is not added again. */
class ExitQueue {
  readonly #handle: (name: string) => Promise<boolean>;
  readonly #report: (message: string) => void;
  readonly #waiting = new Set<string>();
  readonly #failed = new Set<string>();
  #running = 0;
  #idle: PromiseWithResolvers<undefined> | undefined;
  handled = 0;

  constructor(handle: (name: string) => Promise<boolean>, report: (message: string) => void) {
    this.#handle = handle;
    this.#report = report;
  }

  /** One that failed is not tried again by this queue: its operation is in the journal. */
  add(names: Iterable<string>): void {
    for (const name of names) if (!this.#failed.has(name)) this.#waiting.add(name);
    while (this.#running < concurrency && this.#waiting.size > 0) void this.#work();
  }

  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<undefined>();
    return this.#idle.promise;
  }

  async #work(): Promise<void> {
    this.#running += 1;
    for (const name of this.#waiting) {
      this.#waiting.delete(name);
      try {
        if (await this.#handle(name)) this.handled += 1;
      } catch (error) {
        this.#failed.add(name);
        this.#report(`handling the exit of container ${name.slice(0, 12)}: ${String(error)}`);
      }
    }
    this.#running -= 1;
    if (this.#running > 0) return;
    this.#idle?.resolve(undefined);
    this.#idle = undefined;
  }
}

/**
 * A killed monitor reports nothing: so often one who watches looks for containers that have ended without a report. One small read of /proc for each
 * that runs.
 */
const lookForLostMs = 5000;

/** So often a sweep looks again: a container that crashes at once after each restart must not hold its engine for ever. */
const sweepsAtMost = 3;

export interface ExitSweeper extends ExitHandler {
  /** Handles what is reported now, if nobody is in office, and restarts at once what has to be restarted. */
  sweep(): Promise<void>;
}

export function createExitHandler(room: Room, restarts: Restarts, report: (message: string) => void): ExitSweeper {
  const newQueue = (): ExitQueue =>
    new ExitQueue(
      async (name) =>
        name.includes('.') ? (await import('./exec.ts')).handleExecExit(room, name) : handleExit(room, restarts, name as ContainerId),
      report,
    );

  function tryOffice(): Lock | undefined {
    room.system.files.ensureDirectory(`${room.config.runRoot}/locks`, 0o700);
    return room.system.locks.tryAcquire(room.paths.janitorLock);
  }

  /**
   * An exit whose clean-up program found the office taken by one who is just giving it up would be nobody's: so one looks again after each
   * release. Restarts happen outside of the office: should they fail at once, the clean-up program takes over.
   */
  async function sweep(): Promise<void> {
    for (let round = 0; round < sweepsAtMost && room.exitHub.pending().length > 0; round += 1) {
      const office = tryOffice();
      if (!office) return;
      try {
        const queue = newQueue();
        queue.add(room.exitHub.pending());
        await queue.idle();
      } finally {
        office.release();
      }
      await restarts.flush();
    }
  }

  return {
    sweep,
    hasPending: () => room.exitHub.pending().length > 0,

    async handlePending() {
      const queue = newQueue();
      using _watch = room.exitHub.subscribe((name) => queue.add([name].filter(isReportName)));
      queue.add(room.exitHub.pending());
      await queue.idle();
      // Restarts that are due later are waited for, since nobody else would do them.
      while (restarts.size > 0) {
        await restarts.next();
        await queue.idle();
      }
      return queue.handled;
    },

    watch() {
      const queue = newQueue();
      let office: Lock | undefined;
      const look = (name?: string): void => {
        // Whoever is in office handles every exit. The others try for it at each exit, so that it is never vacant for long.
        if (office) queue.add(name !== undefined && isReportName(name) ? [name] : []);
        else if ((office = tryOffice())) queue.add(room.exitHub.pending());
      };
      const watch = room.exitHub.subscribe(look);
      look();
      const lost = setInterval(() => findUnreported(room).forEach(look), lookForLostMs).unref();
      return asyncDisposable(async () => {
        watch[Symbol.dispose]();
        clearInterval(lost);
        await queue.idle();
        office?.release();
        await restarts.flush();
        if (office) await sweep();
      });
    },
  };
}

function findUnreported(room: Room): ContainerId[] {
  return room.state.containers.list().flatMap((record) => (findExit(room, record) ? [record.id] : []));
}
