import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import { desktopContract } from '../../../src-main/contract/desktop.ts';
import { engineContract, type EngineHandlers } from '../../../src-main/contract/engine.ts';
import type { ContainerDelta, ContainerSummary } from '../../../src-main/contract/container.ts';
import type { Digest } from '../../../src-main/contract/ids.ts';
import { type Channel, type Contract, serve } from '../../../src-main/rpc/rpc.ts';
import { memoryChannelPair } from '../../../src-main/rpc/transports/memory.ts';
import { type Connection, type ConnectionState, createConnection } from '../../../src-renderer/client/connection.ts';
import { liveStore } from '../../../src-renderer/client/live.ts';
import { foldContainers } from '../../../src-renderer/client/objects.ts';
import { foldTransfer, noTransfer, secondsLeft } from '../../../src-renderer/client/transfer.ts';
import type { Store } from '../../../src-renderer/client/store.ts';

function until<T>(store: Store<T>, fits: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const check = () => {
      if (!fits(store.get())) return false;
      resolve(store.get());
      return true;
    };
    if (check()) return;
    const leave = store.subscribe(() => {
      if (check()) leave();
    });
  });
}

/** Handlers that refuse all but what a test names. */
function handlersWith(contract: Contract, named: Record<string, unknown>) {
  return Object.fromEntries(
    Object.entries(contract.routes).map(([noun, verbs]) => [
      noun,
      Object.fromEntries(
        Object.keys(verbs).map((verb) => [
          verb,
          named[`${noun}.${verb}`] ??
            (() => {
              throw new EngineError('unsupported', `${noun}.${verb} is not part of this test`);
            }),
        ]),
      ),
    ]),
  );
}

function serveEngine(
  named: Record<string, unknown> = {},
  contract: Contract = engineContract,
): { channels: { engine: Channel; desktop: Channel }; end: () => void } {
  const [engine, engineSide] = memoryChannelPair();
  const [desktop, desktopSide] = memoryChannelPair();
  const options = { engine: '1.2.3', onBug: (error: unknown) => expect.unreachable(String(error)) };
  const server = serve(contract as typeof engineContract, handlersWith(contract, named) as unknown as EngineHandlers, engineSide, options);
  serve(
    desktopContract,
    {
      desktop: {
        info: () => ({ host: 'web', platform: 'linux', version: '1' }),
        openExternal: () => ({}),
        download: () => expect.unreachable(),
      },
    },
    desktopSide,
    options,
  );
  return {
    channels: { engine, desktop },
    end: () => {
      server.close();
    },
  };
}

describe('the connection', () => {
  test('is ready when the engine has answered, unreachable when it ended, and ready again by itself', async () => {
    const first = serveEngine();
    const second = serveEngine();
    const queue = [first, second];
    const connection = createConnection(() => Promise.resolve((queue.shift() ?? second).channels));
    const seen: ConnectionState['status'][] = [connection.state.get().status];
    connection.state.subscribe(() => seen.push(connection.state.get().status));
    await until(connection.state, (state) => state.status === 'ready');
    first.end();
    const lost = await until(connection.state, (state) => state.status === 'unreachable');
    expect(lost).toMatchObject({ error: { code: 'disconnected' }, retrying: true });
    expect(await until(connection.state, (state) => state.status === 'ready')).toMatchObject({ engine: '1.2.3' });
    expect(seen).toEqual(['connecting', 'ready', 'unreachable', 'ready']);
  });

  test('says what is wrong when nothing can be opened, and rests after its attempts', async () => {
    const connection = createConnection(() => Promise.reject(new EngineError('timeout', 'no port came')), [1, 1]);
    const state = await until(connection.state, (now) => now.status === 'unreachable' && !now.retrying);
    expect(state).toMatchObject({ error: { code: 'timeout', message: 'no port came' } });
  });

  test('another version is a state of its own', async () => {
    const connection = createConnection(() => Promise.resolve(serveEngine({}, { ...engineContract, version: '999' }).channels));
    const state = await until(connection.state, (now) => now.status === 'mismatch');
    expect(state).toMatchObject({ error: { code: 'version-mismatch' } });
  });
});

const container = (id: number, name: string) => ({ id: String(id).repeat(64), name }) as unknown as ContainerSummary;

describe('the list of containers', () => {
  const snapshot: ContainerDelta = { kind: 'snapshot', sequence: 5, containers: [container(1, 'a'), container(2, 'b')] };

  test('keeps the place of a row that changes', () => {
    const set = foldContainers({ sequence: -1, byId: new Map() }, [
      snapshot,
      { kind: 'changed', sequence: 7, container: container(1, 'renamed') },
      { kind: 'changed', sequence: 7, container: container(3, 'c') },
      { kind: 'removed', sequence: 9, id: container(2, '').id },
    ]);
    expect(set).not.toBe('restart');
    if (set !== 'restart') expect([...set.byId.values()].map(({ name }) => name)).toEqual(['renamed', 'c']);
  });

  test('asks for a new snapshot when the order is broken', () => {
    expect(
      foldContainers({ sequence: -1, byId: new Map() }, [snapshot, { kind: 'changed', sequence: 4, container: container(1, 'x') }]),
    ).toBe('restart');
  });

  test('is read anew after such a break, and after a loss', async () => {
    let opened = 0;
    const watch = async function* (_: unknown, { signal }: { signal: AbortSignal }) {
      opened += 1;
      yield snapshot;
      if (opened === 1) yield { kind: 'removed', sequence: 1, id: container(1, '').id };
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
    };
    const first = serveEngine({ 'container.watch': watch });
    const queue = [first, serveEngine({ 'container.watch': watch })];
    const connection: Connection = createConnection(() => Promise.resolve((queue.shift() ?? first).channels));
    const store = liveStore<ContainerDelta, ReturnType<typeof emptySet>>({
      empty: emptySet(),
      open: (api, signal) => api.container.watch({}, { signal }),
      fold: foldContainers,
      connection: () => connection,
    });
    const leave = store.subscribe(() => undefined);
    expect(store.get().status).toBe('loading');
    const live = await until(store, (now) => now.status === 'live');
    expect(live.value.byId.size).toBe(2);
    expect(opened).toBe(2);
    first.end();
    await until(connection.state, (state) => state.status === 'unreachable');
    await until(connection.state, (state) => state.status === 'ready');
    await until({ ...store, get: () => ({ ...store.get(), opened }) }, (now) => now.opened === 3 && now.status === 'live');
    leave();
  });

  test('a refusal is a failure with its words, and can be retried', async () => {
    let refuse = true;
    const served = serveEngine({
      'container.watch': async function* () {
        if (refuse) throw new EngineError('disk-full', 'the disk is full');
        yield snapshot;
        await new Promise(() => undefined);
      },
    });
    const connection = createConnection(() => Promise.resolve(served.channels));
    const store = liveStore<ContainerDelta, ReturnType<typeof emptySet>>({
      empty: emptySet(),
      open: (api, signal) => api.container.watch({}, { signal }),
      fold: foldContainers,
      connection: () => connection,
    });
    const leave = store.subscribe(() => undefined);
    expect(await until(store, (now) => now.status === 'failed')).toMatchObject({
      error: { code: 'disk-full', message: 'the disk is full' },
    });
    refuse = false;
    store.retry();
    expect((await until(store, (now) => now.status === 'live')).value.byId.size).toBe(2);
    leave();
  });
});

function emptySet(): { readonly sequence: number; readonly byId: ReadonlyMap<string, ContainerSummary> } {
  return { sequence: -1, byId: new Map() };
}

describe('the progress of a pull', () => {
  const layer = (id: string, state: 'present' | 'fetching' | 'done', doneBytes: number, totalBytes: number) =>
    ({ kind: 'layer', digest: `sha256:${id.repeat(64)}` as Digest, state, doneBytes, totalBytes }) as const;

  test('adds up what is fetched, and tells speed and time left', () => {
    const at = [
      [layer('a', 'fetching', 0, 1000), 0],
      [layer('b', 'present', 0, 5000), 0],
      [layer('a', 'fetching', 500, 1000), 1000],
    ] as const;
    const transfer = at.reduce((sum, [progress, nowMs]) => foldTransfer(sum, progress, nowMs), noTransfer);
    expect(transfer.layers.map(({ state }) => state)).toEqual(['fetching', 'present']);
    expect(transfer).toMatchObject({ doneBytes: 500, totalBytes: 1000, bytesPerSecond: 500 });
    expect(secondsLeft(transfer)).toBe(1);
  });

  test('nothing measured is nothing promised', () => {
    expect(secondsLeft(foldTransfer(noTransfer, layer('a', 'fetching', 0, 1000), 0))).toBeUndefined();
  });
});
