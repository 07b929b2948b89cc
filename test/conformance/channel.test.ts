/** Every transport carries the same contract in the same way. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EngineError } from '../../src-main/base/errors.ts';
import { call, type Channel, createClient, duplex, forwardHandlers, type Handlers, serve, stream } from '../../src-main/rpc/rpc.ts';
import { memoryChannelPair } from '../../src-main/rpc/transports/memory.ts';
import { messagePortChannel } from '../../src-main/rpc/transports/message-port.ts';
import { nodeStreamChannel } from '../../src-main/rpc/transports/node-stream.ts';
import { webSocketChannel } from '../../src-main/rpc/transports/web-socket.ts';

const contract = {
  version: '7',
  routes: {
    thing: {
      double: call({ input: v.strictObject({ number: v.number() }), output: v.number() }),
      fail: call({ input: v.strictObject({ how: v.picklist(['engine', 'bug']) }), output: v.number() }),
      wait: call({ input: v.strictObject({}), output: v.number() }),
      count: stream({ input: v.strictObject({ to: v.number() }), item: v.number() }),
      bytes: call({ input: v.strictObject({ bytes: v.instance(Uint8Array) }), output: v.instance(Uint8Array) }),
      echo: duplex({ input: v.strictObject({}), up: v.string(), down: v.string() }),
    },
  },
};

interface Seen {
  produced: number;
  finallyRan: PromiseWithResolvers<undefined>;
  aborted: PromiseWithResolvers<undefined>;
  bugs: unknown[];
}

function handlers(seen: Seen): Handlers<typeof contract> {
  return {
    thing: {
      double: ({ number }) => number * 2,
      fail: ({ how }) => {
        if (how === 'bug') throw new TypeError('secret of the implementation');
        throw new EngineError('not-found', 'no such thing', { fix: 'look elsewhere', details: { thing: 1 } });
      },
      wait: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen.aborted.resolve(undefined);
            reject(new EngineError('cancelled', 'cancelled'));
          });
        }),
      async *count({ to }) {
        try {
          for (let number = 0; number < to; number++) {
            seen.produced = number;
            yield number;
          }
        } finally {
          seen.finallyRan.resolve(undefined);
        }
        await Promise.resolve();
      },
      bytes: ({ bytes }) => bytes,
      async *echo(_, { up }) {
        for await (const item of up) yield item.toUpperCase();
        yield 'end';
      },
    },
  };
}

type Pair = readonly [client: Channel, server: Channel];

const transports: Record<string, () => Promise<Pair> | Pair> = {
  memory: () => memoryChannelPair(),
  'node-stream': () => {
    const up = new PassThrough();
    const down = new PassThrough();
    return [nodeStreamChannel(down, up), nodeStreamChannel(up, down)];
  },
  'message-port': () => {
    const { port1, port2 } = new MessageChannel();
    return [messagePortChannel(port1), messagePortChannel(port2)];
  },
  'web-socket': async () => {
    const http = createServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    const sockets = new WebSocketServer({ server: http });
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    const [socket] = (await once(sockets, 'connection')) as [WebSocket];
    socket.on('close', () => http.close());
    return [webSocketChannel(client), webSocketChannel(socket)];
  },
};

describe.each(Object.keys(transports))('%s', (name) => {
  async function connect(clientContract = contract) {
    const seen: Seen = { produced: -1, finallyRan: Promise.withResolvers(), aborted: Promise.withResolvers(), bugs: [] };
    const [near, far] = await Promise.resolve((transports[name] as () => Pair | Promise<Pair>)());
    const server = serve(contract, handlers(seen), far, { engine: '1.2.3', onBug: (error) => seen.bugs.push(error) });
    const client = createClient(clientContract, near);
    return { client, server, seen, far, near, [Symbol.dispose]: () => client.close() };
  }

  test('greets with the engine’s version', async () => {
    using peer = await connect();
    await expect(peer.client.ready).resolves.toMatchObject({ engine: '1.2.3' });
  });

  test('refuses another version of the contract in words', async () => {
    using peer = await connect({ ...contract, version: '6' });
    await expect(peer.client.ready).rejects.toMatchObject({
      code: 'version-mismatch',
      message: expect.stringContaining('version 6') as string,
    });
  });

  test('answers calls, and parses their input strictly', async () => {
    using peer = await connect();
    await expect(peer.client.api.thing.double({ number: 21 })).resolves.toBe(42);
    await expect(peer.client.api.thing.double({ number: 'x' as unknown as number })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(peer.client.api.thing.double({ number: 1, more: 2 } as { number: number })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test('carries bytes as bytes', async () => {
    using peer = await connect();
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    expect(Buffer.from(await peer.client.api.thing.bytes({ bytes })).equals(Buffer.from(bytes))).toBe(true);
  });

  test('carries an error with code, fix and details, and hides a bug', async () => {
    using peer = await connect();
    await expect(peer.client.api.thing.fail({ how: 'engine' })).rejects.toMatchObject({
      code: 'not-found',
      fix: 'look elsewhere',
      details: { thing: 1 },
    });
    const error = await peer.client.api.thing.fail({ how: 'bug' }).catch((reason: unknown) => reason as EngineError);
    expect(error).toMatchObject({ code: 'internal' });
    expect(peer.seen.bugs).toHaveLength(1);
  });

  test('cancels a call', async () => {
    using peer = await connect();
    const abort = new AbortController();
    const waiting = peer.client.api.thing.wait({}, { signal: abort.signal });
    await peer.client.api.thing.double({ number: 1 });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await peer.seen.aborted.promise;
  });

  test('streams in order, and a slow reader slows the producer', async () => {
    using peer = await connect();
    const read: number[] = [];
    for await (const number of peer.client.api.thing.count({ to: 5000 })) {
      read.push(number);
      if (number === 10) {
        await peer.client.api.thing.double({ number: 1 });
        expect(peer.seen.produced).toBeLessThan(1100);
      }
    }
    expect(read).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  });

  test('leaving a stream runs the producer’s finally', async () => {
    using peer = await connect();
    for await (const number of peer.client.api.thing.count({ to: 1e9 })) if (number === 1200) break;
    await peer.seen.finallyRan.promise;
  });

  test('a duplex goes both ways and ends in order', async () => {
    using peer = await connect();
    const echo = peer.client.api.thing.echo({});
    const sending = (async () => {
      for (let index = 0; index < 1300; index++) await echo.send(`a${index}`);
      echo.end();
    })();
    const received: string[] = [];
    for await (const item of echo) received.push(item);
    await sending;
    expect(received).toHaveLength(1301);
    expect(received.slice(0, 2)).toEqual(['A0', 'A1']);
    expect(received.at(-1)).toBe('end');
  });

  test('a malformed upstream item ends the duplex with an error', async () => {
    using peer = await connect();
    const echo = peer.client.api.thing.echo({});
    await echo.send(1 as unknown as string);
    await expect(
      (async () => {
        for await (const _ of echo);
      })(),
    ).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('malformed frames and unknown routes are answered, not thrown', async () => {
    using peer = await connect();
    await peer.client.ready;
    const hostile: unknown[] = [
      null,
      1,
      'x',
      [],
      ['open'],
      ['open', -1, 'thing.double', {}, 1],
      ['nope', 900_000],
      ['credit', 900_000, 1e12],
      { a: 1 },
    ];
    for (const frame of hostile) peer.near.send(frame as never);
    peer.near.send(['open', 900_001, 'thing.__proto__', {}, 1]);
    peer.near.send(['open', 900_002, 'constructor.constructor', {}, 1]);
    await expect(peer.client.api.thing.double({ number: 4 })).resolves.toBe(8);
    expect(peer.seen.bugs).toEqual([]);
  });

  test('a closed channel fails what is open with `disconnected`, and stops the handlers', async () => {
    using peer = await connect();
    const waiting = peer.client.api.thing.wait({});
    await peer.client.api.thing.double({ number: 1 });
    peer.far.close();
    await expect(waiting).rejects.toMatchObject({ code: 'disconnected' });
    await peer.server.closed;
    await expect(peer.client.api.thing.double({ number: 1 })).rejects.toMatchObject({ code: 'disconnected' });
  });

  test('a host in the middle forwards calls, streams, duplexes and cancellation', async () => {
    using peer = await connect();
    const [near, far] = memoryChannelPair();
    serve(
      contract,
      forwardHandlers(contract, () => Promise.resolve(peer.client.api)),
      far,
      { engine: 'x', onBug: () => undefined },
    );
    const outer = createClient(contract, near);
    await expect(outer.api.thing.double({ number: 3 })).resolves.toBe(6);
    await expect(outer.api.thing.fail({ how: 'engine' })).rejects.toMatchObject({ code: 'not-found' });
    for await (const number of outer.api.thing.count({ to: 1e9 })) if (number === 1200) break;
    await peer.seen.finallyRan.promise;
    const echo = outer.api.thing.echo({});
    await echo.send('a');
    echo.end();
    const received: string[] = [];
    for await (const item of echo) received.push(item);
    expect(received).toEqual(['A', 'end']);
    const abort = new AbortController();
    const waiting = outer.api.thing.wait({}, { signal: abort.signal });
    await outer.api.thing.double({ number: 1 });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await peer.seen.aborted.promise;
    outer.close();
  });
});
