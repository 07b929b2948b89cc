import type { Frame } from '../channel.ts';

/**
 * Frames of one turn of the event loop, handed on together: a log of a hundred thousand lines is as many frames, and a message for
 * each costs more than its content.
 */
export class FrameBatch {
  readonly #send: (frames: readonly Frame[]) => void;
  #frames: Frame[] = [];

  constructor(send: (frames: readonly Frame[]) => void) {
    this.#send = send;
  }

  add(frame: Frame): void {
    this.#frames.push(frame);
    if (this.#frames.length === 1) afterThisTurn(() => this.flush());
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#send(frames);
  }
}

/** A browser has no setImmediate; what it sends is rarely more than one frame at a time. */
const afterThisTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? (callback) => void setImmediate(callback) : queueMicrotask;

/** Hands each frame of a message to the listener; what is no batch goes there as it is, and is refused there. */
export function unbatch(message: unknown, listener: (frame: unknown) => void): void {
  if (Array.isArray(message)) for (const frame of message as unknown[]) listener(frame);
  else listener(message);
}
