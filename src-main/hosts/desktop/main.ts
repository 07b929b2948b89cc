/** The desktop host's entry: Electron's main process. It owns the window and supervises the engine's worker; the engine never runs in here. */
import { join } from 'node:path';
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

function start(): void {
  let ipc: Ipc | undefined;
  let window: BrowserWindow | undefined;
  const engine = new SupervisedEngine(
    () => openWorker({ options: {} }),
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
