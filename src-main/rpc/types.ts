import type { InferInput, InferOutput } from 'valibot';
import type { CallRoute, Contract, DuplexRoute, Route, StreamRoute } from './define.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The caller's side of a duplex: iterate for what comes down, `send` what goes up. */
export interface Duplex<U, D> extends AsyncIterable<D> {
  /** Resolves when the peer has credit for more; rejects when the duplex has ended. */
  send(item: U): Promise<void>;
  /** No more upstream items; the downstream goes on. */
  end(): void;
  /** Ends both directions. */
  close(): void;
}

/** The handler's side: `up` is read as an async iterable, what the handler yields goes down. */
export interface DuplexPeer<U> {
  readonly up: AsyncIterable<U>;
}

export interface HandlerContext {
  /** Fires when the caller cancels, leaves its loop, or is gone. */
  readonly signal: AbortSignal;
}

type ClientRoute<R extends Route> =
  R extends CallRoute<infer I, infer O>
    ? (input: InferInput<I>, options?: CallOptions) => Promise<InferOutput<O>>
    : R extends StreamRoute<infer I, infer T>
      ? (input: InferInput<I>, options?: CallOptions) => AsyncIterable<InferOutput<T>>
      : R extends DuplexRoute<infer I, infer U, infer D>
        ? (input: InferInput<I>, options?: CallOptions) => Duplex<InferInput<U>, InferOutput<D>>
        : never;

type HandlerRoute<R extends Route> =
  R extends CallRoute<infer I, infer O>
    ? (input: InferOutput<I>, context: HandlerContext) => Promise<InferInput<O>> | InferInput<O>
    : R extends StreamRoute<infer I, infer T>
      ? (input: InferOutput<I>, context: HandlerContext) => AsyncIterable<InferInput<T>>
      : R extends DuplexRoute<infer I, infer U, infer D>
        ? (input: InferOutput<I>, peer: DuplexPeer<InferOutput<U>>, context: HandlerContext) => AsyncIterable<InferInput<D>>
        : never;

export type Client<C extends Contract> = {
  readonly [N in keyof C['routes']]: { readonly [V in keyof C['routes'][N]]: ClientRoute<C['routes'][N][V]> };
};

export type Handlers<C extends Contract> = {
  readonly [N in keyof C['routes']]: { readonly [V in keyof C['routes'][N]]: HandlerRoute<C['routes'][N][V]> };
};
