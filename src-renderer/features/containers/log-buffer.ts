/** The lines of a log that was streamed: decoded, joined where conmon split them, bounded. Pure. */
import type { LogEntry } from '../../../src-main/contract/container.ts';

export interface LogLine {
  readonly timestamp: string;
  readonly source: 'stdout' | 'stderr';
  /** Without control sequences: what is searched. */
  readonly text: string;
  /** With its colours, if it has any. */
  readonly colored: string | undefined;
}

/** ECMA-48 control sequences, and operating-system commands up to their end. */
const controlSequence = new RegExp(String.raw`\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])`, 'g');
const otherControls = new RegExp(String.raw`[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]`, 'g');

export class LogBuffer {
  #lines: LogLine[] = [];
  #dropped = 0;
  readonly #limit: number;
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  /** What a source has written of a line that goes on. */
  readonly #open: { stdout: { text: string; timestamp: string } | undefined; stderr: { text: string; timestamp: string } | undefined } = {
    stdout: undefined,
    stderr: undefined,
  };

  constructor(limit = 1_000_000) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** Lines that were let go of at the beginning, for the bound. */
  get dropped(): number {
    return this.#dropped;
  }

  at(index: number): LogLine | undefined {
    return this.#lines[index];
  }

  append(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#add(entry);
    if (this.#lines.length <= this.#limit) return;
    // A tenth at once, so that a log at its bound does not shift a million lines for each new one.
    const surplus = this.#lines.length - this.#limit + Math.floor(this.#limit / 10);
    this.#lines = this.#lines.slice(surplus);
    this.#dropped += surplus;
  }

  #add(entry: LogEntry): void {
    const begun = this.#open[entry.source];
    const text = (begun?.text ?? '') + this.#decoders[entry.source].decode(entry.bytes, { stream: entry.partial });
    const timestamp = begun?.timestamp ?? entry.timestamp;
    if (entry.partial) {
      this.#open[entry.source] = { text, timestamp };
      return;
    }
    this.#open[entry.source] = undefined;
    this.#lines.push(toLine(text, timestamp, entry.source));
  }
}

export function toLine(raw: string, timestamp: string, source: LogLine['source']): LogLine {
  const whole = raw.replace(/\r?\n$/, '').replace(/\r+$/, '');
  // A progress display writes over its own line: its last state is what a terminal would show.
  const visible = whole.includes('\r') ? whole.slice(whole.lastIndexOf('\r') + 1) : whole;
  const hasEscape = visible.includes('\u001b');
  const text = (hasEscape ? visible.replace(controlSequence, '') : visible).replace(otherControls, '').replaceAll('\u001b', '');
  return { timestamp, source, text, colored: hasEscape && visible.includes('m') ? visible.replace(otherControls, '') : undefined };
}

/** Indices of the lines that contain the query, extended as lines are added. */
export class LogMatches {
  readonly query: string;
  readonly indices: number[] = [];
  #seen = 0;
  #dropped = 0;

  constructor(query: string) {
    this.query = query.toLowerCase();
  }

  extend(buffer: LogBuffer): void {
    if (buffer.dropped !== this.#dropped) {
      // All places have moved.
      this.#dropped = buffer.dropped;
      this.#seen = 0;
      this.indices.length = 0;
    }
    if (this.query !== '') {
      for (let index = this.#seen; index < buffer.length; index++) {
        if (buffer.at(index)?.text.toLowerCase().includes(this.query) === true) this.indices.push(index);
      }
    }
    this.#seen = buffer.length;
  }

  /** The number of the first match at or after a line; of the first one of all when there is none. */
  firstFrom(line: number): number {
    const found = this.indices.findIndex((index) => index >= line);
    return Math.max(0, found);
  }
}
