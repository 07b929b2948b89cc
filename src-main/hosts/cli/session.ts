/**
 * A terminal or pipes joined to a process in a container: `run`, `start -a`, `attach`, `exec`.
 *
 * - A slow reader of our output slows the container, a slow container slows our input.
 * - The terminal is raw for as long as the session lasts and is put back however the program ends.
 * - Detaching is the engine's to notice: it alone sees the keys in order with the rest of the input.
 */
import { constants } from 'node:os';
import { EngineError, isEngineError } from '../../base/errors.ts';
import type { ForwardedSignal, TerminalDown, TerminalUp } from '../../contract/container.ts';
import type { Duplex } from '../../rpc/rpc.ts';
import type { Context } from './context.ts';
import { write } from './output/print.ts';

export interface SessionOptions {
  readonly tty: boolean;
  /** Whether our input goes to the process. */
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Passes a signal on to the container; undefined: signals end us, not it. */
  readonly forwardSignal?: ((signal: ForwardedSignal) => Promise<void>) | undefined;
  /** Called once nothing can be lost any more. */
  readonly onReady?: () => void;
}

export type SessionEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'detached' }
  | { readonly kind: 'interrupted'; readonly code: number };

/** Podman passes on all but those that are about ourselves; SIGWINCH becomes a resize. */
const forwarded: readonly ForwardedSignal[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGALRM',
  'SIGTTIN',
  'SIGTTOU',
];

export function terminalSize(): { rows: number; columns: number } | undefined {
  const { rows, columns } = process.stdout.isTTY ? process.stdout : process.stderr;
  return rows > 0 && columns > 0 ? { rows, columns } : undefined;
}

/** Runs it to its end. @throws what the engine refused it for */
export async function runSession(duplex: Duplex<TerminalUp, TerminalDown>, options: SessionOptions, context: Context): Promise<SessionEnd> {
  using terminal = new SessionTerminal(duplex, options);
  const interrupted = Promise.withResolvers<SessionEnd>();
  using _signals = context.takeSignals(forwarded, (signal) => {
    if (options.forwardSignal) void options.forwardSignal(signal).catch(ignoreGone);
    else if (signal !== 'SIGCONT') interrupted.resolve({ kind: 'interrupted', code: 128 + constants.signals[signal] });
  });
  const end = await Promise.race([receive(duplex, options, terminal), interrupted.promise]);
  duplex.close();
  return end;
}

async function receive(duplex: AsyncIterable<TerminalDown>, options: SessionOptions, terminal: SessionTerminal): Promise<SessionEnd> {
  for await (const item of duplex) {
    switch (item.kind) {
      case 'ready':
        terminal.start();
        options.onReady?.();
        break;
      case 'stdout':
        if (options.stdout) await write('stdout', item.bytes);
        break;
      case 'stderr':
        if (options.stderr) await write('stderr', item.bytes);
        break;
      case 'detached':
        return { kind: 'detached' };
      default:
        return { kind: 'exit', code: item.code };
    }
  }
  throw new EngineError('disconnected', 'the engine ended the session before the process ended');
}

/** The container may have ended a moment ago. */
function ignoreGone(error: unknown): void {
  if (!isEngineError(error)) throw error;
}

class SessionTerminal implements Disposable {
  readonly #duplex: Duplex<TerminalUp, TerminalDown>;
  readonly #options: SessionOptions;
  #raw = false;
  #started = false;
  readonly #restore = (): void => this.#leaveRaw();
  readonly #resize = (): void => {
    const size = terminalSize();
    if (size) void this.#send({ kind: 'resize', ...size });
  };

  constructor(duplex: Duplex<TerminalUp, TerminalDown>, options: SessionOptions) {
    this.#duplex = duplex;
    this.#options = options;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { tty, stdin } = this.#options;
    if (tty) {
      process.stdout.on('resize', this.#resize);
      this.#resize();
    }
    if (!stdin) return;
    if (tty && process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      this.#raw = true;
      process.once('exit', this.#restore);
    }
    void this.#forwardInput();
  }

  [Symbol.dispose](): void {
    process.stdout.off('resize', this.#resize);
    process.off('exit', this.#restore);
    this.#leaveRaw();
    // Reading goes on in the background otherwise, and would swallow what is typed for the shell.
    if (this.#started && this.#options.stdin) process.stdin.destroy();
  }

  async #forwardInput(): Promise<void> {
    try {
      for await (const chunk of process.stdin as AsyncIterable<Uint8Array<ArrayBuffer>>)
        if (!(await this.#send({ kind: 'stdin', bytes: chunk }))) return;
      await this.#send({ kind: 'eof' });
    } catch {
      // A terminal that was hung up, or an input that cannot be read: for the process that is the end of its input.
      await this.#send({ kind: 'eof' });
    }
  }

  /** @returns false once the session has ended */
  async #send(item: TerminalUp): Promise<boolean> {
    try {
      await this.#duplex.send(item);
      return true;
    } catch {
      // How the session ended is told downstream.
      return false;
    }
  }

  #leaveRaw(): void {
    if (!this.#raw) return;
    this.#raw = false;
    process.stdin.setRawMode(false);
  }
}
