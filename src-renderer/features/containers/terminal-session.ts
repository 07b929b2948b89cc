/** One shell in one terminal: keys go up, output comes down, the size follows the window. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { type EngineError, isCancelled, isEngineError } from '../../../src-main/base/errors.ts';
import { toEngineError } from '../../client/notices.ts';
import { openShell, type ShellSession } from './queries.ts';

export type SessionState =
  | { readonly status: 'opening' | 'connected' | 'lost' }
  | { readonly status: 'ended'; readonly code: number }
  | { readonly status: 'failed'; readonly error: EngineError };

export interface TerminalSession {
  /** It can be seen again: fits the size and takes the focus. */
  readonly show: () => void;
  readonly close: () => void;
}

/** Dark in both themes, as programs that colour their output expect it. */
const theme = {
  background: '#12181c',
  foreground: '#dbe3e6',
  cursor: '#7fd0e2',
  selectionBackground: '#2f5664',
  black: '#2a343a',
  brightBlack: '#81929b',
};

export function startSession(host: HTMLElement, container: string, shell: string, onState: (state: SessionState) => void): TerminalSession {
  const terminal = new Terminal({
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
    fontSize: 13,
    scrollback: 10_000,
    theme,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(host);
  fit.fit();
  onState({ status: 'opening' });

  let closed = false;
  let session: ShellSession;
  try {
    session = openShell(container, shell, { rows: terminal.rows, columns: terminal.cols });
  } catch (error) {
    onState({ status: 'failed', error: toEngineError(error) });
    return {
      show() {
        // There is nothing to fit.
      },
      close: () => {
        terminal.dispose();
      },
    };
  }
  // Keys that are typed after the end go nowhere, and that is no failure.
  const send = (item: Parameters<ShellSession['send']>[0]) => {
    session.send(item).catch(() => undefined);
  };
  const encoder = new TextEncoder();
  terminal.onData((data) => {
    send({ kind: 'stdin', bytes: encoder.encode(data) });
  });
  terminal.onBinary((data) => {
    send({ kind: 'stdin', bytes: Uint8Array.from(data, (char) => char.charCodeAt(0)) });
  });
  terminal.onResize(({ rows, cols }) => {
    send({ kind: 'resize', rows, columns: cols });
  });
  terminal.attachCustomKeyEventHandler((event) => {
    // Tab belongs to the shell; without another way out the keyboard would be caught here.
    const leave = event.key === 'Tab' && event.ctrlKey && event.shiftKey;
    const paste = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'v';
    const copy = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'c' && terminal.hasSelection();
    if (event.type === 'keydown' && leave) {
      event.preventDefault();
      document.querySelector<HTMLElement>('[role="tab"][data-state="active"]')?.focus();
    }
    if (event.type === 'keydown' && copy) {
      event.preventDefault();
      void navigator.clipboard.writeText(terminal.getSelection());
    }
    return !leave && !paste && !copy;
  });
  const observer = new ResizeObserver(() => {
    if (host.clientHeight > 0) fit.fit();
  });
  observer.observe(host);

  void read();
  async function read(): Promise<void> {
    try {
      for await (const item of session) {
        if (item.kind === 'ready') onState({ status: 'connected' });
        else if (item.kind === 'exit') {
          finish({ status: 'ended', code: item.code });
          return;
        } else if (item.kind === 'detached') break;
        // Waiting for the terminal slows a flood down to what can be shown.
        else await new Promise<void>((resolve) => terminal.write(item.bytes, resolve));
      }
      finish({ status: 'lost' });
    } catch (error) {
      if (closed || isCancelled(error)) return;
      finish(isEngineError(error, 'disconnected') ? { status: 'lost' } : { status: 'failed', error: toEngineError(error) });
    }
  }

  function finish(state: SessionState): void {
    if (closed) return;
    terminal.options.cursorBlink = false;
    terminal.options.disableStdin = true;
    onState(state);
  }

  return {
    show() {
      fit.fit();
      terminal.focus();
    },
    close() {
      closed = true;
      observer.disconnect();
      session.close();
      terminal.dispose();
    },
  };
}
