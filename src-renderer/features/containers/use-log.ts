import { useEffect, useReducer, useRef, useState } from 'react';
import { type EngineError, isCancelled, isEngineError } from '../../../src-main/base/errors.ts';
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { toEngineError } from '../../client/notices.ts';
import type { LogBuffer } from './log-buffer.ts';
import { LogReader } from './log-reader.ts';
import { readLog, useEngineGeneration } from './queries.ts';

export interface LogStream {
  readonly buffer: LogBuffer;
  /** Grows whenever lines were added. */
  readonly version: number;
  readonly status: 'reading' | 'ended' | 'failed';
  readonly error: EngineError | undefined;
  /** Whether there are lines before the first one that is here. */
  readonly older: 'none' | 'some' | 'loading';
  /** Lines below this number were there before the log was opened. */
  readonly newFrom: number;
  /** Fetches about so many lines that stand before the first; does nothing when there are none, or some are on their way. */
  readonly loadOlder: (lines: number) => void;
}

const nothing = new LogReader(() => Promise.resolve([]), Number.POSITIVE_INFINITY);

/**
 * The log of a container: its last lines at once, then as it grows; older ones when they are asked for. Lines are taken over once
 * a frame, however many came. A new start of the container, or a new connection, reads it anew.
 */
export function useLog(id: string, startedAt: number | undefined): LogStream {
  const generation = useEngineGeneration();
  const reader = useRef(nothing);
  const [version, changed] = useReducer((count: number) => count + 1, 0);
  const [end, setEnd] = useState<{ readonly status: LogStream['status']; readonly error?: EngineError }>({ status: 'reading' });
  useEffect(() => {
    if (generation === undefined) return undefined;
    const abort = new AbortController();
    const own = new LogReader(async (request) => {
      const entries: LogEntry[] = [];
      for await (const entry of readLog({ container: id, follow: false, paged: true, ...request }, abort.signal)) entries.push(entry);
      return entries;
    }, Date.now());
    reader.current = own;
    setEnd({ status: 'reading' });
    changed();
    let waiting: LogEntry[] = [];
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // While many lines come at once, drawing each frame would cost more than reading.
    let backlog = false;
    const flush = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      frame = 0;
      timer = undefined;
      if (waiting.length === 0 || abort.signal.aborted) return;
      backlog = waiting.length > 200;
      own.append(waiting);
      waiting = [];
      changed();
    };
    const follow = async () => {
      for await (const entry of readLog({ container: id, follow: true, ...LogReader.first }, abort.signal)) {
        waiting.push(entry);
        // Frames stop while the window is hidden; the lines must not pile up unbounded meanwhile.
        if (frame === 0 && timer === undefined) {
          if (document.visibilityState === 'visible' && !backlog) frame = requestAnimationFrame(flush);
          timer = setTimeout(flush, backlog ? 120 : 250);
        }
      }
    };
    follow().then(
      () => {
        flush();
        if (!abort.signal.aborted) setEnd({ status: 'ended' });
      },
      (error: unknown) => {
        flush();
        if (abort.signal.aborted || isCancelled(error) || isEngineError(error, 'disconnected')) return;
        setEnd({ status: 'failed', error: toEngineError(error) });
      },
    );
    return () => {
      abort.abort();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [id, startedAt, generation]);
  const now = reader.current;
  const loadOlder = (lines: number) => {
    now.loadOlder(lines, changed).catch((error: unknown) => {
      if (reader.current !== now || isCancelled(error) || isEngineError(error, 'disconnected')) return;
      setEnd({ status: 'failed', error: toEngineError(error) });
    });
  };
  return { buffer: now.buffer, version, status: end.status, error: end.error, older: now.older, newFrom: now.newFrom, loadOlder };
}
