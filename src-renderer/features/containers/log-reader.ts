/** Which part of a log is here, and what is asked for next: the last lines first, then pages before them. Knows no React. */
import type { LogEntry } from '../../../src-main/contract/container.ts';
import { LogBuffer } from './log-buffer.ts';

export interface PageRequest {
  readonly tail: number;
  readonly before: string;
}

export class LogReader {
  /** What is read first: enough to scroll in, and little enough to be there at once however long the log is. */
  static readonly first = { tail: 2_000, paged: true } as const;

  readonly buffer = new LogBuffer();
  readonly #readPage: (request: PageRequest) => Promise<readonly LogEntry[]>;
  readonly #openedMs: number;
  #position: string | undefined;
  #loading = false;
  #began = false;
  #newFrom = 0;
  #allNew = false;

  constructor(readPage: (request: PageRequest) => Promise<readonly LogEntry[]>, openedMs: number) {
    this.#readPage = readPage;
    this.#openedMs = openedMs;
  }

  get older(): 'none' | 'some' | 'loading' {
    if (this.#loading) return 'loading';
    return this.#position === undefined || this.buffer.dropped ? 'none' : 'some';
  }

  /** Lines below this number had been written before the log was opened. */
  get newFrom(): number {
    return this.#newFrom;
  }

  append(entries: readonly LogEntry[]): void {
    if (!this.#began) {
      this.#began = true;
      this.#position = entries[0]?.position;
    }
    this.buffer.append(entries);
    // The time is asked for only until the first line that is new.
    if (this.#allNew) return;
    const fresh = entries.filter(({ timestamp, partial }) => !partial && Date.parse(timestamp) >= this.#openedMs).length;
    this.#newFrom = this.buffer.end - fresh;
    this.#allNew = fresh > 0;
  }

  /** `changed` is called when that begins, and when it has ended. */
  async loadOlder(lines: number, changed: () => void): Promise<void> {
    const before = this.#position;
    if (before === undefined || this.older !== 'some') return;
    this.#loading = true;
    // Unless it succeeds there is no second attempt: the view would ask again and again.
    this.#position = undefined;
    changed();
    try {
      const entries = await this.#readPage({ tail: lines, before });
      this.buffer.prepend(entries);
      this.#position = entries[0]?.position;
    } finally {
      this.#loading = false;
      changed();
    }
  }
}
