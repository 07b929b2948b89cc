import { Packr } from 'msgpackr';
import type { Channel, Frame } from '../channel.ts';
import { FrameBatch, unbatch } from './frame-batch.ts';

/** The part of a browser's WebSocket that `ws` has too. */
interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  send(data: Uint8Array): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error' | 'open', listener: () => void): void;
}

/** Binary messages in MessagePack, each with the frames of one turn. Frames sent while the socket is still connecting are kept. */
export function webSocketChannel(socket: WebSocketLike): Channel {
  const packr = new Packr({ useRecords: false, moreTypes: false });
  const batch = new FrameBatch((frames) => {
    if (socket.readyState === 1) socket.send(packr.pack(frames));
  });
  const early: Frame[] = [];
  let closed = false;
  let closeListener: ((error: Error | undefined) => void) | undefined;
  socket.binaryType = 'arraybuffer';

  function finish(error?: Error): void {
    if (closed) return;
    closed = true;
    closeListener?.(error);
  }

  socket.addEventListener('open', () => {
    for (const frame of early.splice(0)) batch.add(frame);
    batch.flush();
  });
  socket.addEventListener('close', () => {
    finish();
  });
  socket.addEventListener('error', () => {
    finish(new Error('the connection failed'));
  });

  return {
    send(frame) {
      if (closed) return;
      if (socket.readyState === 0) early.push(frame);
      else batch.add(frame);
    },
    onFrame(listener) {
      socket.addEventListener('message', (event) => {
        let message: unknown;
        try {
          message = packr.unpack(new Uint8Array(event.data as ArrayBuffer));
        } catch {
          message = undefined;
        }
        unbatch(message, listener);
      });
    },
    onClose(listener) {
      closeListener = listener;
      if (socket.readyState > 1) finish();
    },
    close() {
      batch.flush();
      socket.close();
      finish();
    },
  };
}
