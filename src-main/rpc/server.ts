import { flatten, safeParse } from 'valibot';
import { AsyncQueue } from '../base/async-queue.ts';
import { EngineError, isCancelled, isEngineError, messageOf } from '../base/errors.ts';
import { type Channel, initialCredit, isFrame } from './channel.ts';
import { Credit } from './credit.ts';
import type { Contract, Route } from './define.ts';
import type { DuplexPeer, HandlerContext, Handlers } from './types.ts';

export interface ServeOptions {
  /** The engine's own version, told in the greeting. */
  readonly engine: string;
  readonly capabilities?: readonly string[];
  /** Awaited before the greeting is answered, so that "connected" means "answers"; its error is what the peer is refused with. */
  readonly ready?: () => Promise<unknown>;
  /** Receives whatever a handler threw that is no `EngineError`, with the route's path. */
  readonly onBug: (error: unknown, path: string) => void;
}

export interface RpcServer {
  /** Resolves when the channel has closed and every handler has run its clean-up. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Exchange {
  readonly abort: AbortController;
  readonly credit: Credit;
  readonly up: AsyncQueue<unknown>;
  readonly route: Route;
}

type Handler = (input: unknown, ...rest: unknown[]) => unknown;

/** Serves a contract's handlers on a channel until it closes. Malformed frames are answered, or dropped, never thrown. */
export function serve<C extends Contract>(contract: C, handlers: Handlers<C>, channel: Channel, options: ServeOptions): RpcServer {
  const exchanges = new Map<number, Exchange>();
  const running = new Set<Promise<void>>();
  const closed = Promise.withResolvers<undefined>();
  const table = routeTable(contract, handlers);
  let greeted = false;

  channel.onClose(() => {
    for (const exchange of exchanges.values()) cancel(exchange);
    void Promise.allSettled([...running]).then(() => {
      closed.resolve(undefined);
    });
  });
  channel.onFrame((frame) => {
    if (!isFrame(frame)) {
      const id = Array.isArray(frame) && typeof frame[1] === 'number' ? frame[1] : 0;
      channel.send(['error', id, new EngineError('invalid-argument', 'malformed frame').toData()]);
      return;
    }
    if (!greeted && frame[0] !== 'hello') {
      refuse(new EngineError('invalid-argument', 'the first frame has to be a greeting'));
      return;
    }
    switch (frame[0]) {
      case 'hello': {
        if (frame[1].version !== contract.version) {
          refuse(
            new EngineError(
              'version-mismatch',
              `this interface speaks version ${frame[1].version} of the contract and the engine version ${contract.version}`,
              { fix: 'update the older one, and start both again' },
            ),
          );
          return;
        }
        greeted = true;
        void greet();
        return;
      }
      case 'open':
        start(frame[1], frame[2], frame[3], frame[4]);
        return;
      case 'up': {
        const exchange = exchanges.get(frame[1]);
        if (exchange?.route.kind !== 'duplex') return;
        const item = safeParse(exchange.route.up, frame[2]);
        if (item.success) exchange.up.push(item.output);
        else exchange.up.fail(new EngineError('invalid-argument', `malformed item: ${issuesOf(item)}`));
        return;
      }
      case 'up-end':
        exchanges.get(frame[1])?.up.end();
        return;
      case 'credit':
        exchanges.get(frame[1])?.credit.grant(frame[2]);
        return;
      case 'cancel': {
        const exchange = exchanges.get(frame[1]);
        if (exchange) cancel(exchange);
        return;
      }
      default:
    }
  });

  function refuse(error: EngineError): void {
    channel.send(['refuse', error.toData()]);
    channel.close();
  }

  async function greet(): Promise<void> {
    try {
      await options.ready?.();
      channel.send(['hello', { version: contract.version, engine: options.engine, capabilities: options.capabilities ?? [] }]);
    } catch (error) {
      if (!isEngineError(error)) options.onBug(error, 'greeting');
      refuse(isEngineError(error) ? error : new EngineError('internal', `the engine cannot be started: ${messageOf(error)}`));
    }
  }

  function cancel(exchange: Exchange): void {
    exchange.abort.abort(new EngineError('cancelled', 'cancelled by the caller'));
    exchange.credit.close();
    exchange.up.end();
  }

  function start(id: number, path: string, rawInput: unknown, credit: number): void {
    const entry = table.get(path);
    if (!entry) {
      channel.send(['error', id, new EngineError('invalid-argument', `no such route: ${path.slice(0, 100)}`).toData()]);
      return;
    }
    if (exchanges.has(id)) {
      channel.send(['error', id, new EngineError('invalid-argument', `exchange ${String(id)} is open already`).toData()]);
      return;
    }
    const input = safeParse(entry.route.input, rawInput);
    if (!input.success) {
      channel.send([
        'error',
        id,
        new EngineError('invalid-argument', `${path}: ${issuesOf(input)}`, { details: { issues: flatten(input.issues).nested } }).toData(),
      ]);
      return;
    }
    const exchange: Exchange = { abort: new AbortController(), credit: new Credit(credit), up: new AsyncQueue(), route: entry.route };
    exchanges.set(id, exchange);
    const run = perform(id, path, entry.handler, input.output, exchange).finally(() => {
      exchanges.delete(id);
      exchange.up.end();
      running.delete(run);
    });
    running.add(run);
  }

  async function perform(id: number, path: string, handler: Handler, input: unknown, exchange: Exchange): Promise<void> {
    const context: HandlerContext = { signal: exchange.abort.signal };
    try {
      if (exchange.route.kind === 'call') {
        channel.send(['result', id, await handler(input, context)]);
        return;
      }
      const items = exchange.route.kind === 'stream' ? handler(input, context) : handler(input, upstream(id, exchange), context);
      for await (const item of items as AsyncIterable<unknown>) {
        if (!(await exchange.credit.take())) break;
        channel.send(['item', id, item]);
      }
      if (!exchange.abort.signal.aborted) channel.send(['end', id]);
    } catch (error) {
      if (isCancelled(error) && exchange.abort.signal.aborted) return;
      if (isEngineError(error)) {
        channel.send(['error', id, error.toData()]);
        return;
      }
      options.onBug(error, path);
      channel.send([
        'error',
        id,
        new EngineError('internal', `${path} failed: ${messageOf(error)}`, {
          fix: 'this is a bug in Selkie; please report it with the log',
        }).toData(),
      ]);
    }
  }

  function upstream(id: number, exchange: Exchange): DuplexPeer<unknown> {
    channel.send(['credit', id, initialCredit]);
    let received = 0;
    const iterator: AsyncIterator<unknown> = {
      async next() {
        const result = await exchange.up.next();
        if (result.done !== true && ++received % (initialCredit / 2) === 0) channel.send(['credit', id, initialCredit / 2]);
        return result;
      },
      return: () => exchange.up.return(),
    };
    return { up: { [Symbol.asyncIterator]: () => iterator } };
  }

  return {
    closed: closed.promise,
    close: () => {
      channel.close();
    },
  };
}

function routeTable<C extends Contract>(contract: C, handlers: Handlers<C>): Map<string, { route: Route; handler: Handler }> {
  const table = new Map<string, { route: Route; handler: Handler }>();
  for (const [noun, verbs] of Object.entries(contract.routes)) {
    const group = (handlers as Record<string, Record<string, Handler>>)[noun];
    for (const [verb, route] of Object.entries<Route>(verbs)) {
      const handler = group?.[verb];
      if (!handler) throw new EngineError('internal', `no handler for ${noun}.${verb}`);
      table.set(`${noun}.${verb}`, { route, handler });
    }
  }
  return table;
}

function issuesOf(result: {
  readonly issues: readonly { readonly message: string; readonly path?: readonly { readonly key: unknown }[] | undefined }[];
}): string {
  return result.issues
    .slice(0, 5)
    .map((issue) => {
      const path = issue.path?.map((part) => String(part.key)).join('.');
      return path === undefined || path === '' ? issue.message : `${path}: ${issue.message}`;
    })
    .join('; ');
}
