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

/** Joins what conmon has split, each source for itself. */
class LineJoiner {
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  /** What a source has written of a line that goes on. */
  readonly #open = new Map<LogLine['source'], { readonly text: string; readonly timestamp: string }>();

  join(entries: readonly LogEntry[]): LogLine[] {
    const lines: LogLine[] = [];
    for (const entry of entries) {
      const begun = this.#open.get(entry.source);
      const text = (begun?.text ?? '') + this.#decoders[entry.source].decode(entry.bytes, { stream: entry.partial });
      const timestamp = begun?.timestamp ?? entry.timestamp;
      if (entry.partial) this.#open.set(entry.source, { text, timestamp });
      else {
        this.#open.delete(entry.source);
        lines.push(toLine(text, timestamp, entry.source));
      }
    }
    return lines;
  }

  /** What was begun and does not go on. */
  rest(): LogLine[] {
    return [...this.#open].map(([source, { text, timestamp }]) => toLine(text, timestamp, source));
  }
}

/** Each line has a number that is never another line's: the first that came is 0, those before it are below. */
export class LogBuffer {
  #lines: LogLine[] = [];
  #first = 0;
  #dropped = false;
  readonly #limit: number;
  readonly #joiner = new LineJoiner();

  constructor(limit = 1_000_000) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** The number of the first line that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next line will have. */
  get end(): number {
    return this.#first + this.#lines.length;
  }

  /** Lines were let go of at the beginning, or not taken there, for the bound. */
  get dropped(): boolean {
    return this.#dropped;
  }

  line(number: number): LogLine | undefined {
    return this.#lines[number - this.#first];
  }

  append(entries: readonly LogEntry[]): void {
    for (const line of this.#joiner.join(entries)) this.#lines.push(line);
    if (this.#lines.length <= this.#limit) return;
    // A tenth at once, so that a log at its bound does not shift a million lines for each new one.
    const surplus = this.#lines.length - this.#limit + Math.floor(this.#limit / 10);
    this.#lines = this.#lines.slice(surplus);
    this.#first += surplus;
    this.#dropped = true;
  }

  /** What stands right before the first line; whole lines. */
  prepend(entries: readonly LogEntry[]): void {
    // Never a gap: after some were let go of, what is before them does not come back.
    if (this.#dropped) return;
    const joiner = new LineJoiner();
    const lines = joiner.join(entries);
    lines.push(...joiner.rest());
    const room = Math.max(0, this.#limit - this.#lines.length);
    if (lines.length > room) this.#dropped = true;
    const taken = lines.slice(Math.max(0, lines.length - room));
    this.#lines = [...taken, ...this.#lines];
    this.#first -= taken.length;
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

/** Numbers of the lines that contain the query, in order; extended as lines are added at either end. */
export class LogMatches {
  readonly query: string;
  #lines: number[] = [];
  #seen: { first: number; end: number } | undefined;

  constructor(query: string) {
    this.query = query.toLowerCase();
  }

  get lines(): readonly number[] {
    return this.#lines;
  }

  extend(buffer: LogBuffer): void {
    const { first, end } = buffer;
    const seen = this.#seen ?? { first, end: first };
    this.#seen = { first, end };
    if (this.query === '') return;
    if (first > seen.first) this.#lines = this.#lines.slice(lowerBound(this.#lines, first));
    if (first < seen.first) this.#lines = [...this.#find(buffer, first, seen.first), ...this.#lines];
    for (const line of this.#find(buffer, Math.max(first, seen.end), end)) this.#lines.push(line);
  }

  /** The place of the first match at or after a line; of the nearest one before it when there is none. */
  firstFrom(line: number): number {
    return Math.max(0, Math.min(lowerBound(this.#lines, line), this.#lines.length - 1));
  }

  *#find(buffer: LogBuffer, from: number, to: number): Generator<number> {
    for (let line = from; line < to; line++) if (buffer.line(line)?.text.toLowerCase().includes(this.query) === true) yield line;
  }
}

/** The place of the first number that is not smaller. */
function lowerBound(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
