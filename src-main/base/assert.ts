import { EngineError } from './errors.ts';

/** For the default branch of a switch over a closed union: does not compile when a case is missing. */
export function assertNever(value: never): never {
  throw new EngineError('internal', `unexpected value ${JSON.stringify(value)}`);
}
