import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { disposable } from '../../base/disposable.ts';
import { EngineError } from '../../base/errors.ts';
import type { LogEntry } from '../../contract/container.ts';
import type { ContainerRecord } from '../state/state.ts';
import type { LogOptions } from './container.ts';
import { findExit } from './exit.ts';
import { LineCutter, parseLogLine, type Bytes } from './k8s-log.ts';
import { findSince, findTail } from './log-seek.ts';
import { isActive, type Room } from './room.ts';
import { identifyRun, waitForExit } from './wait-for-exit.ts';

const chunkBytes = 256 * 1024;

/**
 * The log as conmon wrote it, record by record. With `follow`, until the container has ended and all was read; a
 * container that does not run has nothing more to say. Survives conmon's rotation (a new file under the old name).
 */
export async function* readLogs(room: Room, nameOrId: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const afterSequence = room.state.events.lastSequence();
  const record = room.state.containers.resolve(nameOrId);
  if (record.config.spec.logDriver === 'none') {
    throw new EngineError(
      'unsupported',
      "this container is using the 'none' log driver, cannot read logs: this container is not logging output",
      {
        fix: 'create it with --log-driver k8s-file',
      },
    );
  }
  if (options.before !== undefined && options.follow)
    throw new EngineError('invalid-argument', 'what stands before a position in a log cannot be followed: nothing is added there');
  const follow = options.follow && isActive(record) && findExit(room, record) === undefined;
  using follower = follow ? new LogFollower(room, record, afterSequence, signal) : undefined;
  let file = LogFile.open(record.config.logPath, options);
  let position = options.paged ? file?.position : undefined;
  try {
    for (;;) {
      const ended = follower === undefined || follower.ended;
      const changed = follower?.nextChange();
      // Asked before reading: what was written to the old file until it was replaced is then read, too.
      const replaced = file ? file.wasReplaced() : true;
      if (file) {
        for (;;) {
          const chunk = file.read();
          if (!chunk) break;
          for (const entry of file.entriesOf(chunk)) {
            const timeMs = options.sinceMs === undefined && options.untilMs === undefined ? 0 : Date.parse(entry.timestamp);
            if (options.untilMs !== undefined && timeMs > options.untilMs) return;
            if (options.sinceMs !== undefined && timeMs < options.sinceMs) continue;
            yield position === undefined ? entry : { ...entry, position };
            position = undefined;
          }
          if (signal.aborted) return;
        }
      }
      if (options.before !== undefined) return;
      if (replaced) {
        const next = LogFile.open(record.config.logPath, undefined);
        if (next) {
          file?.close();
          file = next;
          continue;
        }
      }
      if (ended || signal.aborted) return;
      await changed;
    }
  } finally {
    file?.close();
  }
}

/** An open log: stays readable when the name is given to another file, or the container is removed. */
class LogFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #inode: number;
  readonly #cutter = new LineCutter();
  #offset = 0;
  #end = Number.POSITIVE_INFINITY;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
    this.#inode = fstatSync(fd).ino;
  }

  static open(path: string, options: Pick<LogOptions, 'tail' | 'sinceMs' | 'before'> | undefined): LogFile | undefined {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      // Never started, or its log was rotated this very moment.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    const file = new LogFile(path, fd);
    if (options) {
      if (options.before !== undefined) file.#end = file.#offsetOf(options.before);
      file.#offset = Math.max(
        options.tail === undefined ? 0 : findTail(fd, options.tail, Math.min(file.#end, fstatSync(fd).size)),
        options.sinceMs === undefined ? 0 : findSince(fd, options.sinceMs),
      );
    }
    return file;
  }

  /** Where it goes on reading, for a reader that wants what stands before; undefined at the beginning. */
  get position(): string | undefined {
    return this.#offset === 0 ? undefined : `${this.#inode}-${this.#offset}`;
  }

  /** 0, so that nothing is read, for a position in a log that is no more. */
  #offsetOf(position: string): number {
    const [inode = '', offset = ''] = position.split('-');
    return inode === String(this.#inode) && Number(offset) <= fstatSync(this.#fd).size ? Number(offset) : 0;
  }

  read(): Bytes | undefined {
    const length = Math.min(chunkBytes, Math.max(4096, fstatSync(this.#fd).size - this.#offset), this.#end - this.#offset);
    if (length <= 0) return undefined;
    const buffer = Buffer.allocUnsafeSlow(length);
    const count = readSync(this.#fd, buffer, 0, buffer.length, this.#offset);
    if (count === 0) return undefined;
    this.#offset += count;
    return buffer.subarray(0, count);
  }

  *entriesOf(chunk: Bytes): Generator<LogEntry> {
    for (const line of this.#cutter.cut(chunk)) {
      const entry = parseLogLine(line);
      if (entry) yield entry;
    }
  }

  wasReplaced(): boolean {
    if (fstatSync(this.#fd).size < this.#offset) return true;
    const now = statSync(this.#path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== this.#inode;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Tells of changes of the log's folder, and of the container's end. */
class LogFollower implements Disposable {
  ended = false;
  #changed = Promise.withResolvers<undefined>();
  readonly #parts: Disposable[] = [];
  readonly #stop = new AbortController();

  constructor(room: Room, record: ContainerRecord, afterSequence: number, signal: AbortSignal) {
    const wake = (): void => {
      const { resolve } = this.#changed;
      this.#changed = Promise.withResolvers<undefined>();
      resolve(undefined);
    };
    const name = basename(record.config.logPath);
    this.#parts.push(
      room.system.files.watchDirectory(dirname(record.config.logPath), (changed) => {
        if (changed === name) wake();
      }),
    );
    signal.addEventListener('abort', wake);
    this.#parts.push(disposable(() => signal.removeEventListener('abort', wake)));
    const onEnd = (): void => {
      this.ended = true;
      wake();
    };
    waitForExit(room, identifyRun(room, record, afterSequence), this.#stop.signal).then(onEnd, onEnd);
  }

  /** Take it before reading: a change in between is not missed. */
  nextChange(): Promise<void> {
    return this.#changed.promise;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const part of this.#parts) part[Symbol.dispose]();
  }
}
