import { fstatSync, readSync } from 'node:fs';
import { parseLogLine, type Bytes } from './k8s-log.ts';

const blockBytes = 64 * 1024;
const newline = 10;

/**
 * Where the last `count` lines of a log begin, or of its part before `size`, which is the end of a line. Reads blocks from the end: a
 * file of any size costs what its tail is long. A line that conmon wrote in parts (P … F) counts once.
 */
export function findTail(fd: number, count: number, size = fstatSync(fd).size): number {
  if (count <= 0) return size;
  let found = 0;
  let offset = size;
  let after: Bytes = new Uint8Array();
  while (offset > 0) {
    const start = Math.max(0, offset - blockBytes);
    const block = Buffer.concat([readAt(fd, start, offset - start), after]);
    let end = block.length;
    // Complete records only: what stands before the first newline belongs to the block before.
    for (let at = block.lastIndexOf(newline, end - 1); at >= 0; at = end > 0 ? block.lastIndexOf(newline, end - 1) : -1) {
      const record = block.subarray(at + 1, end);
      if (record.length > 0 && endsLine(record, start + end >= size - 1)) {
        if (found === count) return start + Math.min(end + 1, block.length);
        found += 1;
      }
      end = at;
    }
    after = block.subarray(0, end);
    offset = start;
  }
  if (after.length > 0 && found === count && endsLine(after, false)) return after.length + 1;
  return 0;
}

/** A last record that is partial is a line that goes on, and counts. */
function endsLine(record: Bytes, isLast: boolean): boolean {
  return isLast || parseLogLine(record)?.partial !== true;
}

/** Where the first record at or after a time begins, by bisection: conmon writes in order of time. */
export function findSince(fd: number, sinceMs: number): number {
  let low = 0;
  let high = fstatSync(fd).size;
  while (high - low > blockBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const record = firstRecordAfter(fd, middle);
    if (record !== undefined && record.offset < high && record.timeMs < sinceMs) low = record.offset;
    else high = middle;
  }
  return low;
}

function firstRecordAfter(fd: number, offset: number): { readonly offset: number; readonly timeMs: number } | undefined {
  const block = readAt(fd, offset, blockBytes);
  for (let start = block.indexOf(newline) + 1; start > 0 && start < block.length; ) {
    const end = block.indexOf(newline, start);
    if (end < 0) return undefined;
    const entry = parseLogLine(block.subarray(start, end));
    if (entry) return { offset: offset + start, timeMs: Date.parse(entry.timestamp) };
    start = end + 1;
  }
  return undefined;
}

function readAt(fd: number, offset: number, length: number): Buffer<ArrayBuffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return buffer.subarray(0, done);
}
