import type { GenericSchema } from 'valibot';

export interface CallRoute<I extends GenericSchema = GenericSchema, O extends GenericSchema = GenericSchema> {
  readonly kind: 'call';
  readonly input: I;
  readonly output: O;
}

export interface StreamRoute<I extends GenericSchema = GenericSchema, T extends GenericSchema = GenericSchema> {
  readonly kind: 'stream';
  readonly input: I;
  readonly item: T;
}

export interface DuplexRoute<
  I extends GenericSchema = GenericSchema,
  U extends GenericSchema = GenericSchema,
  D extends GenericSchema = GenericSchema,
> {
  readonly kind: 'duplex';
  readonly input: I;
  readonly up: U;
  readonly down: D;
}

export type Route = CallRoute | StreamRoute | DuplexRoute;

/** Two levels: noun → verb → route. `version` is compared in the first frame. */
export interface Contract {
  readonly version: string;
  readonly routes: Readonly<Record<string, Readonly<Record<string, Route>>>>;
}

export function call<I extends GenericSchema, O extends GenericSchema>(shape: { input: I; output: O }): CallRoute<I, O> {
  return { kind: 'call', ...shape };
}

export function stream<I extends GenericSchema, T extends GenericSchema>(shape: { input: I; item: T }): StreamRoute<I, T> {
  return { kind: 'stream', ...shape };
}

export function duplex<I extends GenericSchema, U extends GenericSchema, D extends GenericSchema>(shape: {
  input: I;
  up: U;
  down: D;
}): DuplexRoute<I, U, D> {
  return { kind: 'duplex', ...shape };
}
