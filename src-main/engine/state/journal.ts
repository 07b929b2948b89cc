import { isEngineError } from '../../base/errors.ts';
import type { EngineEvent } from '../../contract/event.ts';
import type { Clock, Processes } from '../../system/system.ts';
import type { Database } from './database.ts';
import type { EventTable, OperationKind, OperationRecord, OperationTable } from './state.ts';

/** So many events are kept; a store that lives for years does not grow by its own history. */
const eventsKept = 50_000;

export function createEventTable(database: Database, clock: Clock): EventTable {
  return {
    append(event) {
      const timestampMs = Math.round(clock.nowMs());
      const { lastRowId } = database.change(
        'INSERT INTO events (timestamp_ms, event) VALUES (?, ?)',
        timestampMs,
        JSON.stringify({ attributes: {}, ...event }),
      );
      if (lastRowId % 1000 === 0) database.change('DELETE FROM events WHERE sequence <= ?', lastRowId - eventsKept);
    },
    after: (sequence, limit = 10_000) =>
      database.all('SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?', sequence, limit).map((row) => ({
        ...(JSON.parse(String(row['event'])) as Omit<EngineEvent, 'sequence' | 'timestampMs'>),
        sequence: Number(row['sequence']),
        timestampMs: Number(row['timestamp_ms']),
      })),
    lastSequence: () => Number(database.get("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?.['seq'] ?? 0),
    onChange: (listener) => database.onChange(listener),
  };
}

/** `makeRoom` gives up room that was set aside, and answers whether there was any. */
export function createOperationTable(database: Database, clock: Clock, processes: Processes, makeRoom: () => boolean): OperationTable {
  let ownStartTime: number | undefined;
  /** Ended, but on a disk that was too full to say so. */
  const unsaid = new Set<number>();

  function remove(id: number): void {
    database.change('DELETE FROM operations WHERE id = ?', id);
  }

  /** Never hides by a full disk what became of the operation itself; what stays is done with the next one, or found abandoned when this process is gone. */
  function end(id: number): void {
    try {
      try {
        remove(id);
      } catch (error) {
        if (!isEngineError(error, 'disk-full') || !makeRoom()) throw error;
        remove(id);
      }
    } catch (error) {
      if (!isEngineError(error, 'disk-full')) throw error;
      unsaid.add(id);
    }
  }

  const list = (): OperationRecord[] => database.all('SELECT * FROM operations ORDER BY id').map(toOperation);

  return {
    begin(kind, object, details = {}) {
      for (const id of unsaid) {
        remove(id);
        unsaid.delete(id);
      }
      ownStartTime ??= processes.startTime(process.pid) ?? 0;
      const { lastRowId } = database.change(
        'INSERT INTO operations (kind, object, details, pid, pid_start_time, started_at) VALUES (?, ?, ?, ?, ?, ?)',
        kind,
        object,
        JSON.stringify(details),
        process.pid,
        ownStartTime,
        Math.round(clock.nowMs()),
      );
      let kept = false;
      return {
        id: lastRowId,
        keep() {
          kept = true;
        },
        [Symbol.dispose]() {
          if (!kept) end(lastRowId);
        },
      };
    },
    list,
    abandoned: () => list().filter((operation) => processes.startTime(operation.pid) !== operation.pidStartTime),
    remove,
  };
}

function toOperation(row: Record<string, unknown>): OperationRecord {
  return {
    id: Number(row['id']),
    kind: row['kind'] as OperationKind,
    object: String(row['object']),
    details: JSON.parse(String(row['details'])) as Record<string, unknown>,
    pid: Number(row['pid']),
    pidStartTime: Number(row['pid_start_time']),
    startedAt: Number(row['started_at']),
  };
}
