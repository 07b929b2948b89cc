import { EngineError } from '../../base/errors.ts';

/** Podman's default: ctrl-p, then ctrl-q. */
export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** `ctrl-p,ctrl-q`, `a,b`, `ctrl-@`: comma-separated keys as bytes (podman-run(1), --detach-keys). An empty text: no detaching. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  return Uint8Array.from(text.split(',').map((key) => parseKey(key, text)));
}

function parseKey(key: string, whole: string): number {
  const [only] = key;
  if (only !== undefined && key.length === 1 && only.charCodeAt(0) < 128) return only.charCodeAt(0);
  const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
  throw new EngineError('invalid-argument', `invalid detach keys "${whole}": "${key}" is not a key`, {
    fix: 'give single characters or ctrl-<letter or @ [ \\ ] ^ _>, separated by commas',
    details: { field: 'detachKeys' },
  });
}

/**
 * Finds the detach sequence in what is typed, also across chunks. Bytes that may still become the sequence are held
 * back until it is clear that they do not.
 */
export class DetachScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** Answers what goes on to the container, and whether the sequence was completed (the rest of the chunk is dropped). */
  scan(chunk: Uint8Array): { readonly bytes: Uint8Array; readonly detached: boolean } {
    const keys = this.#keys;
    if (keys.length === 0 || (this.#matched === 0 && !chunk.includes(keys[0] ?? 0))) return { bytes: chunk, detached: false };
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === keys.length) return { bytes: Uint8Array.from(out), detached: true };
        continue;
      }
      this.#release(out, byte);
    }
    return { bytes: Uint8Array.from(out), detached: false };
  }

  /** A held prefix plus a byte that does not continue it: passes on what can no longer be the beginning of the sequence. */
  #release(out: number[], byte: number): void {
    const held = [...this.#keys.subarray(0, this.#matched), byte];
    this.#matched = 0;
    while (held.length > 0) {
      if (held.every((value, index) => value === this.#keys[index])) {
        this.#matched = held.length;
        return;
      }
      out.push(held.shift() ?? 0);
    }
  }
}
