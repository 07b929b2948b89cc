/**
 * The connection to the engine: connecting, ready, unreachable or of another version; never anything in between.
 * Ready means that the engine has answered. After a loss it tries again a few times, then rests until it is asked to.
 */
import { EngineError, isEngineError, messageOf } from '../../src-main/base/errors.ts';
import { desktopContract } from '../../src-main/contract/desktop.ts';
import { type EngineClient, engineContract } from '../../src-main/contract/engine.ts';
import { type Client, createClient } from '../../src-main/rpc/rpc.ts';
import { createStore, type Store } from './store.ts';
import { type Channels, openChannels, type OpenChannels } from './transport.ts';

export type DesktopClient = Client<typeof desktopContract>;

export type ConnectionState =
  | { readonly status: 'connecting'; readonly sinceMs: number }
  | { readonly status: 'ready'; readonly engine: string; readonly api: EngineClient; readonly desktop: DesktopClient }
  | { readonly status: 'unreachable'; readonly error: EngineError; readonly retrying: boolean }
  | { readonly status: 'mismatch'; readonly error: EngineError };

export interface Connection {
  readonly state: Store<ConnectionState>;
  /** Starts over, whatever the state; the button "Restart engine". */
  readonly connect: () => void;
}

/** Pauses before the attempts that are made unasked. */
const usualPausesMs = [500, 2_000, 5_000];
/** A host that accepts the connection but never greets is as unreachable as one that refuses. */
const greetingTimeoutMs = 30_000;

export function createConnection(open: OpenChannels, pausesMs: readonly number[] = usualPausesMs): Connection {
  const state = createStore<ConnectionState>({ status: 'connecting', sinceMs: Date.now() });
  let generation = 0;
  let retries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closeCurrent: (() => void) | undefined;

  function lost(error: EngineError, from: number): void {
    if (from !== generation) return;
    generation += 1;
    closeCurrent?.();
    closeCurrent = undefined;
    if (error.code === 'version-mismatch') {
      state.set({ status: 'mismatch', error });
      return;
    }
    const pause = pausesMs[retries];
    state.set({ status: 'unreachable', error, retrying: pause !== undefined });
    if (pause === undefined) return;
    retries += 1;
    timer = setTimeout(attempt, pause);
  }

  function attempt(): void {
    const mine = ++generation;
    clearTimeout(timer);
    closeCurrent?.();
    closeCurrent = undefined;
    // While it retries by itself the page goes on saying what happened instead of flickering.
    if (retries === 0) state.set({ status: 'connecting', sinceMs: Date.now() });
    open().then(
      (channels) => {
        if (mine === generation) greet(channels, mine);
      },
      (error: unknown) => {
        lost(isEngineError(error) ? error : new EngineError('disconnected', messageOf(error)), mine);
      },
    );
  }

  function greet(channels: Channels, mine: number): void {
    const engine = createClient(engineContract, channels.engine);
    const desktop = createClient(desktopContract, channels.desktop);
    closeCurrent = () => {
      engine.close();
      desktop.close();
    };
    const timeout = setTimeout(() => {
      lost(new EngineError('timeout', 'the engine did not answer within 30 seconds'), mine);
    }, greetingTimeoutMs);
    let error: EngineError = new EngineError('disconnected', 'the engine is not reachable any more');
    engine.ready.then(
      (greeting) => {
        clearTimeout(timeout);
        if (mine !== generation) return;
        retries = 0;
        state.set({ status: 'ready', engine: greeting.engine, api: engine.api, desktop: desktop.api });
      },
      (reason: unknown) => {
        clearTimeout(timeout);
        if (isEngineError(reason)) error = reason;
        lost(error, mine);
      },
    );
    void engine.closed.then(() => {
      // The refusal's reason comes by `ready`, which settles first.
      queueMicrotask(() => {
        lost(error, mine);
      });
    });
  }

  attempt();
  return {
    state,
    connect() {
      retries = 0;
      attempt();
    },
  };
}

let shared: Connection | undefined;

/** The page's one connection, opened at first use. */
export function connection(): Connection {
  shared ??= createConnection(openChannels);
  return shared;
}

/** The engine, or `disconnected`. */
export function engine(): EngineClient {
  const current = connection().state.get();
  if (current.status !== 'ready') throw new EngineError('disconnected', 'the engine is not reachable');
  return current.api;
}

export function desktop(): DesktopClient {
  const current = connection().state.get();
  if (current.status !== 'ready') throw new EngineError('disconnected', 'the engine is not reachable');
  return current.desktop;
}
