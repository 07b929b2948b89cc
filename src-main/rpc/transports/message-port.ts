import type { Channel } from '../channel.ts';
import { FrameBatch, unbatch } from './frame-batch.ts';

/** The part that a DOM MessagePort, Electron's MessagePortMain and a worker's port have in common. */
interface PortLike {
  postMessage(message: unknown): void;
  close(): void;
  start?(): void;
}

interface DomPort extends PortLike {
  addEventListener(type: 'message' | 'close', listener: (event: { data?: unknown }) => void): void;
}

interface EmitterPort extends PortLike {
  on(type: 'message' | 'close', listener: (value: unknown) => void): unknown;
}

/** Messages with the frames of one turn, by structured clone; bytes arrive as `Uint8Array`. */
export function messagePortChannel(port: DomPort | EmitterPort): Channel {
  const batch = new FrameBatch((frames) => {
    if (!closed) port.postMessage(frames);
  });
  let closed = false;
  let closeListener: ((error: Error | undefined) => void) | undefined;
  function finish(): void {
    if (closed) return;
    closed = true;
    closeListener?.(undefined);
  }
  function listen(type: 'message' | 'close', listener: (event: { data?: unknown }) => void): void {
    if ('addEventListener' in port) port.addEventListener(type, listener);
    else
      port.on(type, (value) => {
        // Electron's MessagePortMain emits an event with `data`, a worker's port the message itself.
        listener(typeof value === 'object' && value !== null && 'data' in value ? value : { data: value });
      });
  }
  listen('close', finish);
  return {
    send(frame) {
      if (!closed) batch.add(frame);
    },
    onFrame(listener) {
      listen('message', (event) => {
        unbatch(event.data, listener);
      });
      port.start?.();
    },
    onClose(listener) {
      closeListener = listener;
      if (closed) listener(undefined);
    },
    close() {
      batch.flush();
      port.close();
      finish();
    },
  };
}
