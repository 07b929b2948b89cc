import type { Channel, Frame } from '../channel.ts';

/**
 * Two ends of a channel in one process. Frames are handed over by reference, asynchronously and in order: handlers
 * must not keep or change what they were given.
 */
export function memoryChannelPair(): readonly [Channel, Channel] {
  const left = new MemoryChannel();
  const right = new MemoryChannel();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class MemoryChannel implements Channel {
  peer: MemoryChannel | undefined;
  #frameListener: ((frame: unknown) => void) | undefined;
  #closeListener: ((error: Error | undefined) => void) | undefined;
  #early: unknown[] = [];
  #closed = false;

  send(frame: Frame): void {
    const peer = this.peer;
    if (this.#closed || !peer) return;
    queueMicrotask(() => {
      peer.#receive(frame);
    });
  }

  onFrame(listener: (frame: unknown) => void): void {
    this.#frameListener = listener;
    for (const frame of this.#early.splice(0)) listener(frame);
  }

  onClose(listener: (error: Error | undefined) => void): void {
    this.#closeListener = listener;
    if (this.#closed) listener(undefined);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeListener?.(undefined);
    const peer = this.peer;
    queueMicrotask(() => peer?.close());
  }

  #receive(frame: unknown): void {
    if (this.#closed) return;
    if (this.#frameListener) this.#frameListener(frame);
    else this.#early.push(frame);
  }
}
