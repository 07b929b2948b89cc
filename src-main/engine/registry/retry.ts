import { setTimeout as pause } from 'node:timers/promises';
import { type EngineError, throwIfAborted } from '../../base/errors.ts';
import type { Limits } from './limits.ts';

/** Wraps what may go away by itself; never leaves this room. */
export class TransientError extends Error {
  readonly failure: EngineError;
  /** The server asked to wait so long. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: EngineError, retryAfterMs?: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface RetryOptions {
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
  /** Told before each pause. */
  readonly onRetry: ((message: string) => void) | undefined;
  /** Called after a failure; true when the attempt got further, which makes the next one count as the first. */
  readonly progressed?: () => boolean;
}

/** Seconds or a date (RFC 9110 section 10.2.3), as a pause. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*[0-9]+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

async function waitBefore(attempt: number, transient: TransientError, options: RetryOptions): Promise<void> {
  const { limits } = options;
  const grown = Math.min(limits.longestPauseMs, limits.pauseMs * 2 ** (attempt - 1));
  const delayMs = Math.max(transient.retryAfterMs ?? 0, grown * (0.5 + Math.random() / 2));
  options.onRetry?.(`${transient.failure.message}; trying again in ${(delayMs / 1000).toFixed(1)} s (${attempt}/${limits.attempts - 1})`);
  try {
    await pause(delayMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    throwIfAborted(options.signal);
    throw error;
  }
}

/** Runs `attempt` until it succeeds, fails for good, or has failed too often in a row. */
export async function withRetries<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    throwIfAborted(options.signal);
    try {
      return await attempt();
    } catch (error) {
      throwIfAborted(options.signal);
      if (!(error instanceof TransientError)) throw error;
      if (options.progressed?.() === true) failures = 1;
      if (failures >= options.limits.attempts) throw error.failure;
      const tooLong = (error.retryAfterMs ?? 0) > options.limits.longestRetryAfterMs;
      if (tooLong) throw error.failure;
      await waitBefore(failures, error, options);
    }
  }
}
