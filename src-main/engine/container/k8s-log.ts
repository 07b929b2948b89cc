import type { LogEntry } from '../../contract/container.ts';

/** As the contract has them: over memory that is ours alone. */
export type Bytes = Uint8Array<ArrayBuffer>;

const newline = 10;
const space = 32;

/**
 * One record of a k8s-file log: `<RFC 3339 time> stdout|stderr F|P <bytes>` (Kubernetes' CRI logging format, as conmon writes it). The
 * bytes are a view of what was read. Undefined for a line that is none: the beginning of a file that was cut.
 */
export function parseLogLine(line: Bytes): LogEntry | undefined {
  const first = line.indexOf(space);
  const second = first < 0 ? -1 : line.indexOf(space, first + 1);
  const third = second < 0 ? -1 : line.indexOf(space, second + 1);
  if (third < 0 || third !== second + 2) return undefined;
  const source = latin1(line, first + 1, second);
  const tag = line[second + 1];
  if ((source !== 'stdout' && source !== 'stderr') || (tag !== 0x46 && tag !== 0x50)) return undefined;
  return { timestamp: latin1(line, 0, first), source, bytes: line.subarray(third + 1), partial: tag === 0x50 };
}

function latin1(bytes: Bytes, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** Cuts a stream of chunks into lines without their newline; a line may span chunks. */
export class LineCutter {
  #rest: Bytes | undefined;

  /** Bytes of the unfinished line. */
  get pendingBytes(): number {
    return this.#rest?.length ?? 0;
  }

  *cut(chunk: Bytes): Generator<Bytes> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const piece = chunk.subarray(start, end);
      yield this.#rest ? Buffer.concat([this.#rest, piece]) : piece;
      this.#rest = undefined;
      start = end + 1;
    }
    if (start === chunk.length) return;
    const tail = chunk.subarray(start);
    this.#rest = this.#rest ? Buffer.concat([this.#rest, tail]) : tail;
  }
}
