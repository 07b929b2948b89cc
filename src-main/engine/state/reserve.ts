import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { System } from '../../system/system.ts';

const reserveBytes = 4 * 1024 * 1024;
/** Given up at a time: SQLite's log and its index for one command, and the folders that files move through on their way out. */
const shareBytes = 512 * 1024;
/** With less than this to spare nobody sets anything aside. */
const plentyBytes = 32 * reserveBytes;
const nothingBytes = 256 * 1024;

/**
 * Room that is set aside while there is plenty, for the day on which there is none: without it a store on a full disk could not even be opened, and
 * nothing be removed, since a removal is written down before it is done.
 */
export class Reserve {
  readonly #path: string;
  readonly #graphRoot: string;
  readonly #files: Pick<System['files'], 'freeBytes'>;

  constructor(graphRoot: string, files: Pick<System['files'], 'freeBytes'>) {
    this.#graphRoot = graphRoot;
    this.#path = join(graphRoot, 'reserve');
    this.#files = files;
  }

  /** Sets aside what is missing. */
  keep(): void {
    try {
      const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
      if (size >= reserveBytes || this.#files.freeBytes(this.#graphRoot) < plentyBytes) return;
      const descriptor = openSync(this.#path, 'a', 0o600);
      try {
        // Zeros that are written: a hole would reserve nothing.
        writeSync(descriptor, Buffer.alloc(reserveBytes - size));
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // The disk does not want: then there is none today.
    }
  }

  /** Gives up a share of it; false when there is none. */
  release(): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(this.#path, 'r+');
    } catch {
      return false;
    }
    try {
      const { size } = fstatSync(descriptor);
      ftruncateSync(descriptor, Math.max(0, size - shareBytes));
      return size > 0;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Opens what needs a little room. */
  use<T>(open: () => T): T {
    try {
      return open();
    } catch (error) {
      if (this.#files.freeBytes(this.#graphRoot) > nothingBytes) throw error;
      if (this.release()) return open();
      throw new EngineError('disk-full', `the store ${this.#graphRoot} cannot be opened: the disk is full`, {
        fix: 'free some space on it and try again; nothing was changed',
        cause: error,
      });
    }
  }
}
