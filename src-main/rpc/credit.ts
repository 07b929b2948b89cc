/** A counter that a sender takes from before each item, and that the peer's `credit` frames refill. */
export class Credit {
  #available: number;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(initial: number) {
    this.#available = initial;
  }

  grant(count: number): void {
    this.#available += count;
    while (this.#available > 0 && this.#waiting.length > 0) {
      this.#available -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Resolves with whether an item may be sent: false once closed. */
  async take(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#available > 0) {
      this.#available -= 1;
      return true;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return !this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
