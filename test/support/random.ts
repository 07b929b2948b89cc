/** The same sequence for the same seed (mulberry32), so that what a fuzz test finds can be found again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0, below the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Sometimes as it is; else with bytes changed, cut off, doubled or put in. */
  damage(bytes: Buffer): Buffer {
    const at = this.below(bytes.length + 1);
    switch (this.below(5)) {
      case 0:
        return bytes.subarray(0, at);
      case 1:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([this.below(256)]), bytes.subarray(at)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes]);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([this.below(256)]), bytes.subarray(at + 1)]);
      default:
        return bytes;
    }
  }

  /** A document like that one, in which some value is another or missing. */
  distort(value: unknown): unknown {
    const odd: readonly unknown[] = [null, 0, -1, 1e300, '', 'x'.repeat(5000), [], {}, true, '__proto__', [[]], { constructor: 1 }];
    if (this.below(12) === 0) return this.pick(odd);
    if (Array.isArray(value)) return value.flatMap((one) => (this.below(10) === 0 ? [] : [this.distort(one)]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (this.below(15) === 0 ? [] : [[key, this.distort(one)]])));
  }
}
