import type { EngineClient } from '../contract/engine.ts';

/** What a launch answers, as far as a supervisor needs it. */
interface Connection {
  readonly api: EngineClient;
  readonly closed: Promise<unknown>;
  close(): Promise<unknown> | undefined;
}

/**
 * One worker for the windows or browser pages of a host: started when the first asks for it, started again by the next one that asks
 * after it has ended. It never restarts a worker by itself: a crash is shown, and the person decides.
 */
export class SupervisedEngine {
  readonly #start: () => Promise<Connection>;
  readonly #onEnded: () => void;
  #connection: Promise<Connection> | undefined;
  #closing = false;

  /** @param onEnded called when a worker that had answered ends without having been asked to */
  constructor(start: () => Promise<Connection>, onEnded: () => void) {
    this.#start = start;
    this.#onEnded = onEnded;
  }

  /** Resolves when the engine answers; rejects with the reason why it cannot be started. */
  async client(): Promise<EngineClient> {
    this.#connection ??= this.#connect();
    return (await this.#connection).api;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const connection = this.#connection;
    if (!connection) return;
    await (await connection.catch(() => undefined))?.close();
  }

  async #connect(): Promise<Connection> {
    try {
      const connection = await this.#start();
      void connection.closed.then(() => {
        this.#connection = undefined;
        if (!this.#closing) this.#onEnded();
      });
      return connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }
}
