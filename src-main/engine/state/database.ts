import { closeSync, constants, openSync, watch, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { EngineError, messageOf } from '../../base/errors.ts';
import { disposable } from '../../base/disposable.ts';
import type { Files } from '../../system/system.ts';
import { migrate } from './schema.ts';

type Row = Record<string, unknown>;

/**
 * The SQLite file of a store, with prepared statements kept, transactions that nest by joining, and the signal file by which
 * engines hear of each other's commits.
 */
export class Database implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #signal: number;
  readonly #signalPath: string;
  readonly #syncLog: () => void;
  readonly #listeners = new Set<() => void>();
  #watcher: Disposable | undefined;
  #depth = 0;
  #durable = false;
  #wakeScheduled = false;

  constructor(graphRoot: string, files: Files) {
    files.ensureDirectory(graphRoot, 0o700);
    const path = join(graphRoot, 'selkie.db');
    try {
      this.#database = new DatabaseSync(path, { timeout: 15_000 });
    } catch (error) {
      throw explain(error, path);
    }
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
      migrate(this.#database, path);
    } catch (error) {
      this.#database.close();
      throw explain(error, path);
    }
    // With synchronous=NORMAL SQLite syncs the log at checkpoints only; syncing it after a commit is what FULL does (pragma.html#pragma_synchronous).
    this.#syncLog = () => {
      files.syncFile(`${path}-wal`);
    };
    this.#signalPath = join(graphRoot, 'changes');
    this.#signal = openSync(this.#signalPath, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** BEGIN IMMEDIATE … COMMIT; a call within another joins it. The function must not await. */
  transaction<T>(change: () => T): T {
    if (this.#depth > 0) {
      this.#depth += 1;
      try {
        return change();
      } finally {
        this.#depth -= 1;
      }
    }
    this.#run('BEGIN IMMEDIATE');
    this.#depth = 1;
    let result: T;
    try {
      result = change();
      this.#run('COMMIT');
      if (this.#durable) this.#syncLog();
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth = 0;
      this.#durable = false;
    }
    // The same byte over and over: inotify tells every engine that watches, this one included.
    writeSync(this.#signal, '.', 0);
    this.#wake();
    return result;
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  /** Answers the number of rows that changed. Always within a transaction, so that engines are told. */
  change(sql: string, ...values: SQLInputValue[]): { readonly changes: number; readonly lastRowId: number } {
    return this.transaction(() => {
      const result = this.#guard(() => this.#prepare(sql).run(...values));
      return { changes: Number(result.changes), lastRowId: Number(result.lastInsertRowid) };
    });
  }

  /** The same, on the disk when the transaction that it is part of has ended, with all that was committed before it. */
  changeDurably(...parameters: Parameters<Database['change']>): ReturnType<Database['change']> {
    return this.transaction(() => {
      this.#durable = true;
      return this.change(...parameters);
    });
  }

  /** After any engine's commit; several commits may be told at once. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    this.#watcher ??= this.#watch();
    return disposable(() => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        this.#watcher?.[Symbol.dispose]();
        this.#watcher = undefined;
      }
    });
  }

  [Symbol.dispose](): void {
    this.#listeners.clear();
    this.#watcher?.[Symbol.dispose]();
    this.#watcher = undefined;
    if (!this.#database.isOpen) return;
    this.#statements.clear();
    this.#database.close();
    closeSync(this.#signal);
  }

  #watch(): Disposable {
    const watcher = watch(this.#signalPath, { persistent: false }, () => {
      this.#wake();
    });
    return disposable(() => {
      watcher.close();
    });
  }

  #wake(): void {
    if (this.#wakeScheduled || this.#listeners.size === 0) return;
    this.#wakeScheduled = true;
    setImmediate(() => {
      this.#wakeScheduled = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string): void {
    this.#guard(() => {
      this.#database.exec(sql);
    });
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw explain(error, 'the store');
    }
  }
}

/** SQLite's primary result codes (sqlite3.h) to ours. */
function explain(error: unknown, path: string): unknown {
  if (error instanceof EngineError || !(error instanceof Error) || !('errcode' in error)) return error;
  const primary = Number(error.errcode) & 0xff;
  const words = messageOf(error);
  switch (primary) {
    case 5:
    case 6:
      return new EngineError('timeout', `${path} is held by another process for too long: ${words}`, {
        cause: error,
        fix: 'try again; see which process holds selkie.db open',
      });
    case 8:
    case 3:
      return new EngineError('denied', `${path} cannot be written: ${words}`, {
        cause: error,
        fix: 'check its owner and mode, and that its file system is not mounted read-only',
      });
    case 13:
      return new EngineError('disk-full', `${path} cannot be written: the disk is full`, {
        cause: error,
        fix: 'free some space and try again; nothing was changed',
      });
    case 11:
    case 26:
      return new EngineError('corrupt', `${path} is damaged: ${words}`, {
        cause: error,
        fix: 'restore it from a backup, or move the folder away and pull the images again',
      });
    case 10:
    case 14:
      return new EngineError('unavailable', `${path} cannot be opened or read: ${words}`, {
        cause: error,
        fix: 'check that the folder exists and its disk works',
      });
    default:
      return error;
  }
}
