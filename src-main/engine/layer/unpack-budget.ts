import { statfsSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';

/** gzip cannot exceed 1032; real layers stay below 20. */
const maxRatio = 400;
/** Below this any ratio is harmless: an empty layer compresses well. */
const ratioFreeBytes = 256 * 1024 * 1024;
/** Left free for the database and for everybody else. */
const reservedBytes = 64 * 1024 * 1024;
const maxEntries = 4_000_000;
/** How much may come in between two looks at the disk. */
const checkBytes = 64 * 1024 * 1024;
const checkEntries = 16_384;

/** Keeps a hostile archive from filling disk, inodes or memory. Every breach is `limit-exceeded`. */
export class UnpackBudget {
  readonly #path: string;
  #entries = 0;
  #freeBytes = 0;
  #freeInodes = 0;
  #bytesSinceCheck = 0;
  #entriesSinceCheck = 0;

  constructor(path: string) {
    this.#path = path;
    this.#look();
  }

  get entries(): number {
    return this.#entries;
  }

  countStream(compressedBytes: number, tarBytes: number): void {
    if (tarBytes > ratioFreeBytes && tarBytes > compressedBytes * maxRatio)
      throw new EngineError(
        'limit-exceeded',
        `${String(compressedBytes)} compressed bytes have become ${String(tarBytes)} already, more than ${String(maxRatio)} times as much: a decompression bomb`,
      );
  }

  countEntry(storedBytes: number): void {
    this.#entries += 1;
    if (this.#entries > maxEntries) throw new EngineError('limit-exceeded', `the layer has more than ${String(maxEntries)} entries`);
    this.#entriesSinceCheck += 1;
    const mayNotFit = this.#bytesSinceCheck + storedBytes > Math.min(checkBytes, this.#freeBytes - reservedBytes);
    if (mayNotFit || this.#entriesSinceCheck > checkEntries) this.#look();
    this.#bytesSinceCheck += storedBytes;
    if (storedBytes > this.#freeBytes - reservedBytes)
      throw new EngineError(
        'limit-exceeded',
        `the disk is too full: it needs ${String(storedBytes)} bytes, ${String(this.#freeBytes)} are free, and ${String(reservedBytes)} of them are kept free`,
        {
          fix: 'free disk space, or move the graph root to a larger disk',
          details: { neededBytes: storedBytes, freeBytes: this.#freeBytes },
        },
      );
    if (this.#freeInodes < checkEntries)
      throw new EngineError('limit-exceeded', 'the disk of the graph root has hardly an inode left', {
        fix: 'remove files, or move the graph root to another disk',
      });
  }

  #look(): void {
    const { bavail, bsize, ffree, files } = statfsSync(this.#path);
    this.#freeBytes = bavail * bsize;
    // btrfs and others make inodes as needed and say 0.
    this.#freeInodes = files === 0 ? Number.POSITIVE_INFINITY : ffree;
    this.#bytesSinceCheck = 0;
    this.#entriesSinceCheck = 0;
  }
}
