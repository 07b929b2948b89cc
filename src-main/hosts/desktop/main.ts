/** The desktop host's entry: Electron's main process. It owns the window and supervises the engine's worker; the engine never runs in here. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { app, type BrowserWindow } from 'electron';
import { messageOf } from '../../base/errors.ts';
import { openWorker } from '../../launch/launch.ts';
import { SupervisedEngine } from '../../launch/supervised-engine.ts';
import { answerPage, type Ipc } from './ipc.ts';
import { setMenu } from './menu.ts';
import { openWindow, pageUrl, registerScheme, servePages } from './window.ts';

const out = join(import.meta.dirname, '..');

function log(line: string): void {
  process.stderr.write(`selkie: ${line}\n`);
}

/** The words for the engine; Electron's own switches and the application's path stand among them. */
function engineOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: process.argv.slice(1),
    options: { root: text, runroot: text, tmpdir: text, runtime: text },
    strict: false,
  });
  const word = (value: string | boolean | undefined) => (typeof value === 'string' ? value : undefined);
  return { root: word(values.root), runRoot: word(values.runroot), tmpDirectory: word(values.tmpdir), runtime: word(values.runtime) };
}

function start(): void {
  let ipc: Ipc | undefined;
  let window: BrowserWindow | undefined;
  const engine = new SupervisedEngine(
    () => openWorker({ options: engineOptions() }),
    () => {
      log('the engine has ended');
      ipc?.disconnect();
    },
  );

  app.on('second-instance', () => {
    if (window?.isMinimized() === true) window.restore();
    window?.focus();
  });
  // Containers go on; only the window and its worker end.
  app.on('window-all-closed', () => {
    app.quit();
  });
  app.on('will-quit', (event) => {
    event.preventDefault();
    void engine.close().finally(() => {
      app.exit(0);
    });
  });

  void app.whenReady().then(() => {
    servePages(join(out, 'renderer'));
    setMenu();
    window = openWindow(join(out, 'preload', 'preload.cjs'));
    ipc = answerPage({
      window,
      pageUrl,
      client: () => engine.client(),
      onBug: (error, path) => {
        log(`${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      },
    });
    engine.client().catch((error: unknown) => {
      log(`the engine cannot be started: ${messageOf(error)}`);
    });
  });
}

registerScheme();
if (app.requestSingleInstanceLock()) start();
else app.quit();
