/** How the interface gets its channels: two ports from the preload in Electron, two sockets of its own origin on the web. */
import { EngineError } from '../../src-main/base/errors.ts';
import type { Channel } from '../../src-main/rpc/rpc.ts';
import { messagePortChannel } from '../../src-main/rpc/transports/message-port.ts';
import { webSocketChannel } from '../../src-main/rpc/transports/web-socket.ts';

export interface Channels {
  readonly engine: Channel;
  readonly desktop: Channel;
}

export type OpenChannels = () => Promise<Channels>;

const portTimeoutMs = 20_000;

/** Electron loads the page from a file or from a scheme of its own; everything else is the web host. */
export function isInWindow(): boolean {
  return /\bElectron\//.test(navigator.userAgent) || !/^https?:$/.test(location.protocol);
}

/**
 * Asks the preload by `{type: 'selkie-connect'}` and takes the two ports of its answer `{type: 'selkie-port'}`:
 * the engine's first, the desktop's second. Only messages of this very window count.
 */
function openPorts(): Promise<Channels> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      window.removeEventListener('message', listen);
      reject(new EngineError('timeout', 'the window did not hand over a connection to the engine within 20 seconds'));
    }, portTimeoutMs);
    function listen(event: MessageEvent): void {
      if (event.source !== window || (event.data as { type?: unknown } | null)?.type !== 'selkie-port') return;
      const [engine, desktop] = event.ports;
      if (!engine || !desktop) return;
      clearTimeout(timer);
      window.removeEventListener('message', listen);
      resolve({ engine: messagePortChannel(engine), desktop: messagePortChannel(desktop) });
    }
    window.addEventListener('message', listen);
    window.postMessage({ type: 'selkie-connect' }, '*');
  });
}

function openSocket(path: string): Channel {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${path}`);
  socket.binaryType = 'arraybuffer';
  return webSocketChannel({
    binaryType: 'arraybuffer',
    get readyState() {
      return socket.readyState;
    },
    send: (data) => {
      // No frame is packed into shared memory, which is all that the wider type adds.
      socket.send(data as Uint8Array<ArrayBuffer>);
    },
    close: () => {
      socket.close();
    },
    addEventListener: (type: string, listener: (event: { data: unknown }) => void) => {
      socket.addEventListener(type, (event) => {
        listener(event as MessageEvent);
      });
    },
  });
}

export const openChannels: OpenChannels = () =>
  isInWindow() ? openPorts() : Promise.resolve({ engine: openSocket('/rpc'), desktop: openSocket('/desktop-rpc') });
