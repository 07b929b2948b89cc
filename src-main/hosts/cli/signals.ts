/** The first SIGINT, SIGTERM or SIGHUP cancels what is under way, the second ends us at once; a session may take them over. */
import { constants } from 'node:os';
import { disposable } from '../../base/disposable.ts';

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What is cancelled and has not ended by then is left behind: the next engine repairs it. */
const graceMs = 10_000;

type Listener = (signal: NodeJS.Signals) => void;

export class SignalKeeper implements Disposable {
  readonly #controller = new AbortController();
  readonly #onEnding: Listener = (signal) => this.#end(signal);
  #takers = 0;
  #received: NodeJS.Signals | undefined;

  constructor() {
    for (const name of endings) process.on(name, this.#onEnding);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that cancelled us. */
  get received(): NodeJS.Signals | undefined {
    return this.#received;
  }

  take<S extends NodeJS.Signals>(names: readonly S[], listener: (signal: S) => void): Disposable {
    const listeners = names.map((name) => [name, () => listener(name)] as const);
    this.#takers++;
    for (const [name, listen] of listeners) process.on(name, listen);
    return disposable(() => {
      this.#takers--;
      for (const [name, listen] of listeners) process.off(name, listen);
    });
  }

  [Symbol.dispose](): void {
    for (const name of endings) process.off(name, this.#onEnding);
  }

  #end(signal: NodeJS.Signals): void {
    if (this.#takers > 0) return;
    const status = 128 + constants.signals[signal];
    if (this.#received !== undefined) process.exit(status);
    this.#received = signal;
    this.#controller.abort();
    setTimeout(() => process.exit(status), graceMs).unref();
  }
}
