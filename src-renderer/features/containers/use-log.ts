import { useEffect, useReducer, useRef, useState } from 'react';
import { type EngineError, isCancelled, isEngineError } from '../../../src-main/base/errors.ts';
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { toEngineError } from '../../client/notices.ts';
import { LogBuffer } from './log-buffer.ts';
import { readLog, useEngineGeneration } from './queries.ts';

export interface LogStream {
  readonly buffer: LogBuffer;
  /** Grows whenever lines were added. */
  readonly version: number;
  readonly status: 'reading' | 'ended' | 'failed';
  readonly error: EngineError | undefined;
}

/**
 * The log of a container, from its first line on and as it grows. Lines are taken over once a frame, however many came.
 * A new start of the container, or a new connection, reads it anew.
 */
export function useLog(id: string, startedAt: number | undefined): LogStream {
  const generation = useEngineGeneration();
  const buffer = useRef(new LogBuffer());
  const [version, changed] = useReducer((count: number) => count + 1, 0);
  const [end, setEnd] = useState<{ readonly status: LogStream['status']; readonly error?: EngineError }>({ status: 'reading' });
  useEffect(() => {
    if (generation === undefined) return undefined;
    const abort = new AbortController();
    const own = new LogBuffer();
    buffer.current = own;
    setEnd({ status: 'reading' });
    changed();
    let waiting: LogEntry[] = [];
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // While a long log is read, drawing each frame would cost more than reading.
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
      for await (const entry of readLog({ container: id, follow: true }, abort.signal)) {
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
  return { buffer: buffer.current, version, status: end.status, error: end.error };
}
