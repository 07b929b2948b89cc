/** What every command is given. */
import type { EngineClient } from '../../contract/engine.ts';
import type { GlobalOptions } from './options/global-flags.ts';

export interface Context {
  readonly globals: GlobalOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** `selkie` and its words, as they were typed. */
  readonly commandLine: readonly string[];
  /** Fires at the first SIGINT, SIGTERM or SIGHUP, unless a session has taken the signals over. */
  readonly signal: AbortSignal;
  /** From here on signals go to the listener; they end nothing by themselves. Disposing gives them back. */
  takeSignals<S extends NodeJS.Signals>(signals: readonly S[], listener: (signal: S) => void): Disposable;
  /** Opens the engine at the first call. `watchExits`: it handles the exits of containers while it is open. */
  engine(options?: { readonly watchExits?: boolean }): Promise<EngineClient>;
}
