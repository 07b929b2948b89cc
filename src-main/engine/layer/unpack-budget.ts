import { statfsSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';

/** gzip cannot exceed 1032; real layers stay below 20. */
const maxRatio = 400;
/** Below this any ratio is harmless: an empty layer compresses well. */
const ratioFreeBytes = 256 * 1024 * 1024;
const maxEntries = 4_000_000;
/** How much may come in between two looks at the disk. */
const checkBytes = 64 * 1024 * 1024;
const checkEntries = 16_384;

/**
 * Kept free for the database, logs and everybody else: an eighth of what is free when the unpacking begins, so that a small disk takes a small
 * layer. The database's log alone grows to 4 MiB before it is folded in.
 */
const reserves = {
  bytes: { least: 4 * 1024 * 1024, most: 64 * 1024 * 1024 },
  inodes: { least: 64, most: 1024 },
};

/** What of the disk is there, by statfs(2). */
export interface DiskSpace {
  readonly freeBytes: number;
  /** Infinite where they are made as needed. */
  readonly freeInodes: number;
}

/** Keeps a hostile archive from filling disk, inodes or memory. A breach is `limit-exceeded`, what the disk cannot take `disk-full`. */
export class UnpackBudget {
  readonly #place: string;
  readonly #measure: () => DiskSpace;
  readonly #keptBytes: number;
  readonly #keptInodes: number;
  #entries = 0;
  #disk: DiskSpace;
  #bytesSinceLook = 0;
  #entriesSinceLook = 0;

  /** @param place of the disk, for messages */
  constructor(place: string, measure: () => DiskSpace) {
    this.#place = place;
    this.#measure = measure;
    this.#disk = measure();
    this.#keptBytes = keep(this.#disk.freeBytes, reserves.bytes);
    this.#keptInodes = keep(this.#disk.freeInodes, reserves.inodes);
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
    const neededBytes = this.#bytesSinceLook + storedBytes;
    const tooLong = neededBytes > checkBytes || this.#entriesSinceLook >= checkEntries;
    if (tooLong || !this.#fits(neededBytes, this.#entriesSinceLook + 1)) this.#look();
    this.#bytesSinceLook += storedBytes;
    this.#entriesSinceLook += 1;
    if (!this.#fits(this.#bytesSinceLook, this.#entriesSinceLook)) throw this.#full(storedBytes);
  }

  /** What is written besides the entries. */
  countBytes(bytes: number): void {
    if (!this.#fits(this.#bytesSinceLook + bytes, this.#entriesSinceLook)) this.#look();
    this.#bytesSinceLook += bytes;
    if (!this.#hasRoom(this.#bytesSinceLook)) throw this.#full(bytes);
  }

  #fits(bytes: number, inodes: number): boolean {
    return this.#hasRoom(bytes) && inodes <= this.#disk.freeInodes - this.#keptInodes;
  }

  /** What stores nothing is left to the kernel: the last directory or link of a layer need not fail on a reserve. */
  #hasRoom(bytes: number): boolean {
    return bytes === 0 || bytes <= this.#disk.freeBytes - this.#keptBytes;
  }

  #full(neededBytes: number): EngineError {
    const { freeBytes, freeInodes } = this.#disk;
    const options = {
      fix: `free space there (\`selkie system df\` shows what images and containers take), or move the store to a larger disk with --root`,
      details: { place: this.#place, neededBytes, freeBytes, keptBytes: this.#keptBytes, freeInodes },
    };
    const words = this.#hasRoom(neededBytes)
      ? `it can take ${String(Math.max(0, freeInodes - this.#keptInodes))} more files`
      : `${inWords(neededBytes)} are needed, ${inWords(freeBytes)} are free, of which ${inWords(this.#keptBytes)} are kept for the store's own records`;
    return new EngineError('disk-full', `the disk of ${this.#place} is too full: ${words}`, options);
  }

  #look(): void {
    this.#disk = this.#measure();
    this.#bytesSinceLook = 0;
    this.#entriesSinceLook = 0;
  }
}

export function diskSpaceOf(path: string): DiskSpace {
  const { bavail, bsize, ffree, files } = statfsSync(path);
  // btrfs and others make inodes as needed and say 0.
  return { freeBytes: bavail * bsize, freeInodes: files === 0 ? Number.POSITIVE_INFINITY : ffree };
}

function keep(free: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(most, Math.max(least, free / 8));
}

function inWords(bytes: number): string {
  if (bytes < 1024 * 1024) return `${String(bytes)} bytes`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
