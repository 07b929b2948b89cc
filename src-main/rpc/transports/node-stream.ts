import type { Readable, Writable } from 'node:stream';
import { Packr } from 'msgpackr';
import { EngineError } from '../../base/errors.ts';
import type { Channel, Frame } from '../channel.ts';

/** A frame larger than this is a broken or hostile peer: layers and archives never travel in frames. */
const maxFrameBytes = 64 * 1024 * 1024;

/**
 * Frames on a pair of byte streams (a worker's stdio, a socket): a 4-byte big-endian length, then MessagePack.
 * Bytes are MessagePack's `bin`, so they are neither copied into text nor escaped.
 */
export function nodeStreamChannel(input: Readable, output: Writable): Channel {
  const packr = new Packr({ useRecords: false, moreTypes: false });
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let frameListener: ((frame: unknown) => void) | undefined;
  let closeListener: ((error: Error | undefined) => void) | undefined;
  let closed = false;
  let closeReason: Error | undefined;

  function finish(error?: Error): void {
    if (closed) return;
    closed = true;
    closeReason = error;
    input.off('data', onData);
    output.end();
    closeListener?.(error);
  }

  function onData(chunk: Buffer): void {
    pending.push(chunk);
    pendingBytes += chunk.length;
    try {
      while (pendingBytes >= 4) {
        const head = peek(4);
        const length = head.readUInt32BE(0);
        if (length > maxFrameBytes) throw new EngineError('corrupt', `a frame of ${String(length)} bytes is too large`);
        if (pendingBytes < 4 + length) return;
        const whole = peek(4 + length);
        const rest = whole.subarray(4 + length);
        pending = rest.length > 0 ? [rest] : [];
        pendingBytes = rest.length;
        frameListener?.(packr.unpack(whole.subarray(4, 4 + length)));
      }
    } catch (error) {
      input.destroy();
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Makes the first pending chunk at least `length` bytes long. */
  function peek(length: number): Buffer {
    const first = pending[0];
    if (first && first.length >= length && pending.length === 1) return first;
    const joined = Buffer.concat(pending);
    pending = [joined];
    return joined;
  }

  input.on('end', () => {
    finish();
  });
  input.on('close', () => {
    finish();
  });
  input.on('error', finish);
  output.on('error', finish);

  return {
    send(frame: Frame) {
      if (closed) return;
      const body = packr.pack(frame);
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32BE(body.length, 0);
      output.cork();
      output.write(head);
      output.write(body);
      output.uncork();
    },
    onFrame(listener) {
      frameListener = listener;
      input.on('data', onData);
    },
    onClose(listener) {
      closeListener = listener;
      if (closed) listener(closeReason);
    },
    close() {
      finish();
      input.destroy();
    },
  };
}
