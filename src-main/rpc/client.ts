import { AsyncQueue } from '../base/async-queue.ts';
import { EngineError } from '../base/errors.ts';
import { type Channel, type Frame, initialCredit, isFrame } from './channel.ts';
import { Credit } from './credit.ts';
import type { Contract, Route } from './define.ts';
import type { CallOptions, Client, Duplex } from './types.ts';

export interface RpcClient<C extends Contract> {
  readonly api: Client<C>;
  /** Resolves with the peer's greeting; rejects with `version-mismatch`, or `disconnected` when the peer ended first. */
  readonly ready: Promise<{ readonly engine: string; readonly capabilities: readonly string[] }>;
  /** Resolves when the channel has closed, for whatever reason. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Exchange {
  onResult?(value: unknown): void;
  onItem?(value: unknown): void;
  onEnd?(): void;
  onError(error: EngineError): void;
  onCredit?(count: number): void;
}

/** Makes a typed client of a channel. The contract is only walked for its route names and kinds; nothing is parsed here. */
export function createClient<C extends Contract>(contract: C, channel: Channel): RpcClient<C> {
  const exchanges = new Map<number, Exchange>();
  const ready = Promise.withResolvers<{ engine: string; capabilities: readonly string[] }>();
  const closed = Promise.withResolvers<undefined>();
  ready.promise.catch(() => undefined);
  let nextId = 1;
  let gone: EngineError | undefined;

  function fail(error: EngineError): void {
    if (gone) return;
    gone = error;
    ready.reject(error);
    for (const exchange of exchanges.values()) exchange.onError(error);
    exchanges.clear();
    closed.resolve(undefined);
  }

  channel.onClose((error) => {
    fail(new EngineError('disconnected', 'the engine is not reachable any more', error ? { cause: error } : {}));
  });
  channel.onFrame((frame) => {
    if (!isFrame(frame)) return;
    switch (frame[0]) {
      case 'hello':
        ready.resolve({ engine: frame[1].engine ?? '', capabilities: frame[1].capabilities ?? [] });
        return;
      case 'refuse':
        fail(EngineError.fromData(frame[1]));
        channel.close();
        return;
      case 'result':
        exchanges.get(frame[1])?.onResult?.(frame[2]);
        return;
      case 'item':
        exchanges.get(frame[1])?.onItem?.(frame[2]);
        return;
      case 'end':
        exchanges.get(frame[1])?.onEnd?.();
        return;
      case 'error':
        exchanges.get(frame[1])?.onError(EngineError.fromData(frame[2]));
        return;
      case 'credit':
        exchanges.get(frame[1])?.onCredit?.(frame[2]);
        return;
      default:
    }
  });
  channel.send(['hello', { version: contract.version }]);

  /** Registers an exchange; answers a function that ends it, telling the server unless it ended by itself. */
  function open(path: string, input: unknown, credit: number, exchange: Exchange, signal: AbortSignal | undefined) {
    const id = nextId++;
    const send = (frame: Frame) => {
      if (exchanges.has(id)) channel.send(frame);
    };
    const finish = (tellServer: boolean) => {
      if (tellServer) send(['cancel', id]);
      exchanges.delete(id);
      signal?.removeEventListener('abort', abort);
    };
    const abort = () => {
      finish(true);
      exchange.onError(new EngineError('cancelled', 'cancelled'));
    };
    // Apart from making the exchange, since a transport may answer before `send` returns.
    const begin = () => {
      if (gone) {
        const reason = gone;
        queueMicrotask(() => {
          exchange.onError(reason);
        });
      } else if (signal?.aborted === true) {
        queueMicrotask(() => {
          exchange.onError(new EngineError('cancelled', 'cancelled'));
        });
      } else {
        exchanges.set(id, exchange);
        signal?.addEventListener('abort', abort, { once: true });
        channel.send(['open', id, path, input, credit]);
      }
    };
    return { id, send, finish, begin };
  }

  function callRoute(path: string, input: unknown, options: CallOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { finish, begin } = open(
        path,
        input,
        0,
        {
          onResult(value) {
            finish(false);
            resolve(value);
          },
          onError(error) {
            finish(false);
            reject(error);
          },
        },
        options.signal,
      );
      begin();
    });
  }

  function duplexRoute(path: string, input: unknown, options: CallOptions = {}): Duplex<unknown, unknown> {
    const upCredit = new Credit(0);
    let received = 0;
    const queue = new AsyncQueue<unknown>({
      highWater: initialCredit,
      onClose: () => {
        upCredit.close();
        exchange.finish(true);
      },
    });
    const exchange = open(
      path,
      input,
      initialCredit,
      {
        onItem: (value) => queue.push(value),
        onEnd: () => {
          exchange.finish(false);
          queue.end();
        },
        onError: (error) => {
          exchange.finish(false);
          queue.fail(error);
        },
        onCredit: (count) => {
          upCredit.grant(count);
        },
      },
      options.signal,
    );
    exchange.begin();
    const iterator: AsyncIterator<unknown> = {
      async next() {
        const result = await queue.next();
        if (result.done !== true && ++received % (initialCredit / 2) === 0) exchange.send(['credit', exchange.id, initialCredit / 2]);
        return result;
      },
      return: () => queue.return(),
    };
    return {
      [Symbol.asyncIterator]: () => iterator,
      async send(item) {
        if (!(await upCredit.take())) throw new EngineError('disconnected', 'the other side has ended');
        exchange.send(['up', exchange.id, item]);
      },
      end: () => {
        exchange.send(['up-end', exchange.id]);
      },
      close: () => {
        queue.end();
      },
    };
  }

  const routes: Record<string, Record<string, unknown>> = {};
  for (const [noun, verbs] of Object.entries(contract.routes)) {
    const group: Record<string, unknown> = {};
    for (const [verb, route] of Object.entries<Route>(verbs)) {
      const path = `${noun}.${verb}`;
      group[verb] =
        route.kind === 'call'
          ? (input: unknown, options?: CallOptions) => callRoute(path, input, options)
          : (input: unknown, options?: CallOptions) => duplexRoute(path, input, options);
    }
    routes[noun] = group;
  }

  return {
    api: routes as unknown as Client<C>,
    ready: ready.promise,
    closed: closed.promise,
    close() {
      channel.close();
      fail(new EngineError('disconnected', 'the connection to the engine was closed'));
    },
  };
}
