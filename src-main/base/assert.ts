import { EngineError } from './errors.ts';

/** For what cannot happen unless there is a bug: throws `internal`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === undefined || condition === null)
    throw new EngineError('internal', `assertion failed: ${message}`);
}

/** For the default branch of a switch over a closed union: does not compile when a case is missing. */
export function assertNever(value: never): never {
  throw new EngineError('internal', `unexpected value ${JSON.stringify(value)}`);
}
