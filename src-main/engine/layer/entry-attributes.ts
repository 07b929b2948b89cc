import { closeSync, constants, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import { errnoOf } from '../../system/errno.ts';
import type { FileAttributes } from '../../system/system.ts';
import { isByteName, toFsPath } from './byte-name.ts';

/**
 * The system's attribute calls take text. For a name that is not UTF-8 they get a second name of the same file: a hard link in a
 * folder beside the diff directory, or, for a directory, a descriptor's path with a dot behind it.
 */
export class EntryAttributes {
  readonly #attributes: FileAttributes;
  readonly #alias: string;

  /** @param alias an absolute path on the same file system, outside of the layer, that nobody else uses */
  constructor(attributes: FileAttributes, alias: string) {
    this.#attributes = attributes;
    this.#alias = alias;
  }

  setXattr(path: string, name: string, value: Uint8Array): void {
    this.#named(path, (real) => {
      this.#attributes.setXattr(real, name, value);
    });
  }

  setTimes(path: string, ns: bigint): void {
    this.#named(path, (real) => {
      this.#attributes.setTimes(real, ns, ns);
    });
  }

  makeNode(path: string, mode: number, major: number, minor: number): void {
    this.#made(path, (real) => {
      this.#attributes.makeNode(real, mode, major, minor);
    });
  }

  makeFifo(path: string, mode: number): void {
    this.#made(path, (real) => {
      this.#attributes.makeFifo(real, mode);
    });
  }

  #named(path: string, use: (real: string) => void): void {
    if (!isByteName(path)) {
      use(path);
      return;
    }
    try {
      linkSync(toFsPath(path), this.#alias);
    } catch (error) {
      if (errnoOf(error) !== 'EPERM') throw error;
      this.#asDirectory(path, use);
      return;
    }
    try {
      use(this.#alias);
    } finally {
      unlinkSync(this.#alias);
    }
  }

  #asDirectory(path: string, use: (real: string) => void): void {
    const descriptor = openSync(toFsPath(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      use(`/proc/self/fd/${String(descriptor)}/.`);
    } finally {
      closeSync(descriptor);
    }
  }

  #made(path: string, make: (real: string) => void): void {
    if (!isByteName(path)) {
      make(path);
      return;
    }
    make(this.#alias);
    renameSync(this.#alias, toFsPath(path));
  }
}

/**
 * Which extended attributes of an archive a layer gets. Overlay's own would forge whiteouts and redirects into other folders, SELinux labels
 * are the host's to give, and the kernel keeps trusted.* from a user namespace.
 */
export function isKeptXattr(name: string, inUserNamespace: boolean): boolean {
  if (/^(?:trusted|user)\.overlay\./.test(name) || name === 'security.selinux') return false;
  return !(inUserNamespace && name.startsWith('trusted.'));
}

/** Sets one; answers false where this kind of file cannot have it (user.* on a symlink or device). */
export function trySetXattr(attributes: EntryAttributes, path: string, name: string, value: Uint8Array): boolean {
  try {
    attributes.setXattr(path, name, value);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EPERM' || errno === 'EOPNOTSUPP' || errno === 'ENOTSUP') return false;
    // ext4 says "no space" when an attribute is larger than the one block it has for them.
    if (errno === 'ENOSPC' || errno === 'E2BIG' || errno === 'ERANGE')
      throw new EngineError(
        'unsupported',
        `its extended attribute ${JSON.stringify(name.slice(0, 100))} of ${String(value.length)} bytes does not fit into this file system`,
        { fix: 'put the graph root on a file system with larger attributes (xfs, btrfs), and see that its disk is not full' },
      );
    throw error;
  }
}
