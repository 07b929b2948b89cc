import { type BrowserWindow, ipcMain, MessageChannelMain, type MessagePortMain, shell } from 'electron';
import { EngineError } from '../../base/errors.ts';
import { build } from '../../base/version.ts';
import { desktopContract } from '../../contract/desktop.ts';
import { type EngineClient, engineContract } from '../../contract/engine.ts';
import { forwardHandlers, type Handlers, serve } from '../../rpc/rpc.ts';
import { messagePortChannel } from '../../rpc/transports/message-port.ts';
import { connectMessage, portMessage } from './messages.ts';

export interface IpcOptions {
  readonly window: BrowserWindow;
  /** The only page whose main frame is answered. */
  readonly pageUrl: string;
  readonly client: () => Promise<EngineClient>;
  readonly onBug: (error: unknown, path: string) => void;
}

export interface Ipc {
  /** Closes the page's ports; the page says that the engine is gone. */
  disconnect(): void;
}

/**
 * The only user of ipcMain. A page asks once for its ports; it gets two, one per contract, if it is our own page in the main frame of our own
 * window, and nothing else. A reload closes the earlier ports.
 */
export function answerPage({ window, pageUrl, client, onBug }: IpcOptions): Ipc {
  let ports: MessagePortMain[] = [];

  function disconnect(): void {
    for (const port of ports.splice(0)) port.close();
  }

  ipcMain.on(connectMessage, (event) => {
    const frame = event.senderFrame;
    if (event.sender !== window.webContents || frame !== window.webContents.mainFrame || frame.url.split(/[?#]/)[0] !== pageUrl) return;
    disconnect();
    const engine = new MessageChannelMain();
    const desktop = new MessageChannelMain();
    ports = [engine.port1, desktop.port1];
    serve(engineContract, forwardHandlers(engineContract, client), messagePortChannel(engine.port1), {
      engine: build.version,
      ready: client,
      onBug,
    });
    serve(desktopContract, desktopHandlers, messagePortChannel(desktop.port1), { engine: build.version, onBug });
    frame.postMessage(portMessage, null, [engine.port2, desktop.port2]);
  });

  return { disconnect };
}

const desktopHandlers: Handlers<typeof desktopContract> = {
  desktop: {
    info: () => ({ host: 'electron', platform: process.platform, version: build.version }),
    // The contract's schema has let only http and https through.
    openExternal: async ({ url }) => {
      await shell.openExternal(url);
      return {};
    },
    download: () => {
      throw new EngineError('unsupported', 'a window writes files to paths');
    },
  },
};
