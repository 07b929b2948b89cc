import type { Contract, Route } from './define.ts';
import type { CallOptions, Client, Duplex, DuplexPeer, HandlerContext, Handlers } from './types.ts';

type AnyClientRoute = (input: unknown, options: CallOptions) => unknown;

/**
 * Answers a contract by a client of the same contract: for a host that stands between an interface and a worker. Credit goes through, so
 * a slow reader at the far end slows the producer; inputs are parsed at both ends.
 *
 * @param client asked for anew for every exchange, so that it may be replaced when the worker was restarted
 */
export function forwardHandlers<C extends Contract>(contract: C, client: () => Promise<Client<C>>): Handlers<C> {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const [noun, verbs] of Object.entries(contract.routes)) {
    const group: Record<string, unknown> = {};
    for (const [verb, route] of Object.entries<Route>(verbs)) {
      const target = async () => ((await client()) as Record<string, Record<string, AnyClientRoute>>)[noun]?.[verb] as AnyClientRoute;
      group[verb] = forwardRoute(route, target);
    }
    groups[noun] = group;
  }
  return groups as Handlers<C>;
}

function forwardRoute(route: Route, target: () => Promise<AnyClientRoute>): unknown {
  switch (route.kind) {
    case 'call':
      return async (input: unknown, { signal }: HandlerContext) => (await target())(input, { signal });
    case 'stream':
      return async function* (input: unknown, { signal }: HandlerContext) {
        yield* (await target())(input, { signal }) as AsyncIterable<unknown>;
      };
    case 'duplex':
      return async function* (input: unknown, { up }: DuplexPeer<unknown>, { signal }: HandlerContext) {
        const far = (await target())(input, { signal }) as Duplex<unknown, unknown>;
        void pump(up, far);
        yield* far;
      };
  }
}

/** The far side may end first; what then comes up has nowhere to go. */
async function pump(up: AsyncIterable<unknown>, far: Duplex<unknown, unknown>): Promise<void> {
  try {
    for await (const item of up) await far.send(item);
    far.end();
  } catch {
    far.close();
  }
}
