/**
 * Frames are arrays with a leading tag, so that every transport can carry them without a schema of its own.
 * Numbers are exchange ids, chosen by the client, unique for the life of a channel.
 */
import type { ErrorData } from '../base/errors.ts';

export type Frame =
  | readonly ['hello', { readonly version: string; readonly engine?: string; readonly capabilities?: readonly string[] }]
  | readonly ['refuse', ErrorData]
  | readonly ['open', number, string, unknown, number]
  | readonly ['result', number, unknown]
  | readonly ['error', number, ErrorData]
  | readonly ['item', number, unknown]
  | readonly ['end', number]
  | readonly ['up', number, unknown]
  | readonly ['up-end', number]
  | readonly ['credit', number, number]
  | readonly ['cancel', number];

/** An ordered, reliable pipe for frames. What arrives is unknown until it was checked. */
export interface Channel {
  /** Hands a frame to the transport; never throws: a closed channel drops it and calls `onClose`. */
  send(frame: Frame): void;
  onFrame(listener: (frame: unknown) => void): void;
  /** Called once; `error` says why when it was not an orderly close. */
  onClose(listener: (error: Error | undefined) => void): void;
  close(): void;
}

/** Items a receiver grants at the start, and again whenever half of them are used. */
export const initialCredit = 512;

export function isFrame(value: unknown): value is Frame {
  if (!Array.isArray(value) || value.length < 2 || typeof value[0] !== 'string') return false;
  const [tag, second, third, , fifth] = value as unknown[];
  switch (tag) {
    case 'hello':
      return typeof second === 'object' && second !== null && typeof (second as { version?: unknown }).version === 'string';
    case 'refuse':
      return isErrorData(second);
    case 'open':
      return isId(second) && typeof third === 'string' && value.length === 5 && isCount(fifth);
    case 'credit':
      return isId(second) && isCount(third);
    case 'error':
      return isId(second) && isErrorData(third);
    case 'result':
    case 'item':
    case 'up':
    case 'end':
    case 'up-end':
    case 'cancel':
      return isId(second);
    default:
      return false;
  }
}

function isId(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCount(value: unknown): boolean {
  return isId(value) && (value as number) <= 1_000_000;
}

function isErrorData(value: unknown): boolean {
  const data = value as { code?: unknown; message?: unknown } | null;
  return typeof data === 'object' && data !== null && typeof data.code === 'string' && typeof data.message === 'string';
}
