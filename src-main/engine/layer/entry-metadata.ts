import { chmodSync, fchmodSync, fchownSync, ftruncateSync, futimesSync, lchownSync, lutimesSync } from 'node:fs';
import { toFsPath } from './byte-name.ts';
import type { EntryAttributes } from './entry-attributes.ts';
import { isKeptXattr, trySetXattr } from './entry-attributes.ts';
import { corrupt } from './tar-header.ts';
import type { TarEntry, Timestamp } from './tar-reader.ts';

/**
 * Gives what was made its owner, mode, extended attributes and times, in this order: chown(2) takes set-id bits and capabilities
 * away, and everything changes times.
 */
export class EntryMetadata {
  readonly #attributes: EntryAttributes;
  readonly #inUserNamespace: boolean;
  readonly #umask: number;

  /** @param umask of the process: with it most files need no chmod */
  constructor(attributes: EntryAttributes, inUserNamespace: boolean, umask: number) {
    this.#attributes = attributes;
    this.#inUserNamespace = inUserNamespace;
    this.#umask = umask;
  }

  /** An open file that was created with the entry's permission bits. */
  applyToFile(descriptor: number, path: string, entry: TarEntry): void {
    const last = entry.segments.at(-1);
    if (entry.realSize !== (last ? last.offset + last.length : 0) || last?.length === 0) ftruncateSync(descriptor, entry.realSize);
    if (entry.uid !== 0 || entry.gid !== 0) fchownSync(descriptor, entry.uid, entry.gid);
    if ((entry.mode & (0o7000 | this.#umask)) !== 0) fchmodSync(descriptor, entry.mode);
    this.#setXattrs(path, entry);
    if (isPlainTime(entry.mtime)) futimesSync(descriptor, entry.mtime.seconds, entry.mtime.seconds);
    else this.#setTimes(path, entry);
  }

  /** Anything that is not a regular file. */
  apply(path: string, entry: TarEntry): void {
    if (entry.uid !== 0 || entry.gid !== 0) lchownSync(toFsPath(path), entry.uid, entry.gid);
    // Of a symlink chmod(2) would change the target; it has no mode of its own.
    if (entry.type !== 'symlink') chmodSync(toFsPath(path), entry.mode);
    this.#setXattrs(path, entry);
    this.#setTimes(path, entry);
  }

  #setXattrs(path: string, { xattrs }: TarEntry): void {
    if (!xattrs) return;
    for (const [name, value] of xattrs) {
      if (name === '' || name.includes('\0')) throw corrupt('it has an extended attribute without a proper name');
      if (isKeptXattr(name, this.#inUserNamespace)) trySetXattr(this.#attributes, path, name, value);
    }
  }

  #setTimes(path: string, { mtime }: TarEntry): void {
    const { seconds, nanoseconds } = mtime;
    if (isPlainTime(mtime)) lutimesSync(toFsPath(path), seconds, seconds);
    else this.#attributes.setTimes(path, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
  }
}

/** Node takes seconds as a double, exact for whole ones, and takes those before 1970 for now; its call is cheaper than the foreign one. */
function isPlainTime({ seconds, nanoseconds }: Timestamp): boolean {
  return nanoseconds === 0 && seconds >= 0;
}
