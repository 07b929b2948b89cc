import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../contract/ids.ts';
import type { System } from '../../system/system.ts';
import { PartialFile } from './partial-file.ts';

/** A blob on its way in, under its lock. Disposing keeps what was written and lets go of the lock; readers go on. */
export interface Download extends AsyncDisposable {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Bytes that are here and hashed. */
  readonly offsetBytes: number;
  /** All is here and its digest was verified. */
  readonly complete: boolean;
  /** Appends. `digest-mismatch` when it becomes longer than it should be; `disk-full`. */
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies length and digest. On `digest-mismatch` all that was written is dropped. */
  finish(): Promise<void>;
  /** Readers get this error instead of the end of file. */
  fail(error: Error): void;
  /** All bytes from the beginning, as they arrive. May be called any number of times. */
  follow(): Readable;
  /** The same for a reader in another thread, which reads the file itself. */
  growing(): GrowingFile;
  /** Drops what was written. */
  discard(): Promise<void>;
}

/** A file that is still being written. */
export interface GrowingFile {
  /** Leads to it in all threads of this process until `destroy`, whatever becomes of its name. */
  readonly path: string;
  /** By it a reader sees that it has opened the right one. */
  readonly inode: number;
  /** How much of it is there, again each time that it has become more. Ends when that is all; throws what the writer failed of. */
  readonly sizes: AsyncIterable<number>;
  /** Idempotent. */
  destroy(): void;
}

export interface DownloadStore {
  /** Waits while another engine, or another pull of this one, fetches the same blob. */
  open(digest: Digest, sizeBytes: number, signal?: AbortSignal): Promise<Download>;
  /** Forgets a blob unless somebody is fetching it now. Idempotent. */
  remove(digest: Digest): void;
  /** Forgets what was not touched for so long; answers the digests. */
  sweep(olderThanMs: number): Digest[];
  /** An empty folder for one operation's temporary files, on the same file system. */
  readonly directory: string;
}

export function createDownloadStore(options: {
  readonly graphRoot: string;
  readonly runRoot: string;
  readonly system: System;
}): DownloadStore {
  const { system } = options;
  const directory = join(options.graphRoot, 'content/partial');
  const locks = join(options.runRoot, 'locks/blob');
  const hex = (digest: Digest): string => digest.slice('sha256:'.length);
  const lockPath = (digest: Digest): string => join(locks, hex(digest));

  const remove = (digest: Digest): boolean => {
    system.files.ensureDirectory(locks, 0o700);
    using lock = system.locks.tryAcquire(lockPath(digest));
    if (!lock) return false;
    rmSync(join(directory, hex(digest)), { force: true });
    return true;
  };

  return {
    directory,
    async open(digest, sizeBytes, signal) {
      system.files.ensureDirectory(directory, 0o700);
      system.files.ensureDirectory(locks, 0o700);
      const lock = await system.locks.acquire(lockPath(digest), signal === undefined ? {} : { signal });
      try {
        return await PartialFile.open({ path: join(directory, hex(digest)), digest, sizeBytes, lock, signal });
      } catch (error) {
        lock.release();
        throw error;
      }
    },
    remove: (digest) => void remove(digest),
    sweep(olderThanMs) {
      let names: string[];
      try {
        names = readdirSync(directory);
      } catch {
        return [];
      }
      const before = system.clock.nowMs() - olderThanMs;
      const swept: Digest[] = [];
      for (const name of names.filter((one) => /^[0-9a-f]{64}$/.test(one))) {
        const age = statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs;
        if (age !== undefined && age < before && remove(`sha256:${name}` as Digest)) swept.push(`sha256:${name}` as Digest);
      }
      return swept;
    },
  };
}
