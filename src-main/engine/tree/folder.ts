/**
 * Folders by descriptor: a running container may rename and replace what we walk through, and must not lead us out of its tree. So every step is one
 * name below an open folder, and no symlink is followed.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import { errnoOf, toEngineError } from '../../system/errno.ts';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** More open levels than that would use up the descriptors of a deep tree; the upper ones are opened again on the way back. */
const openLevels = 200;

/**
 * A path or name as the kernel has it, one character per byte (latin1): such strings sort as bytes do and lose nothing.
 */
export type ByteString = string;

export function toBytes(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}

export function fromText(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}

/** For people and JSON. */
export function toText(text: ByteString): string {
  return toBytes(text).toString('utf8');
}

interface Level {
  fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** The way from a root to where a walk is. */
export class FolderStack implements Disposable {
  readonly #levels: Level[] = [];

  /** @param root descriptor of a folder; the stack closes it */
  private constructor(root: number) {
    const { dev, ino } = fstatSync(root, { bigint: true });
    this.#levels.push({ fd: root, dev, ino });
  }

  static at(path: string): FolderStack {
    try {
      return new FolderStack(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch (error) {
      throw toEngineError(error, 'open', path);
    }
  }

  /** Answers false when there is no such folder (any more). */
  enter(name: ByteString): boolean {
    let fd: number;
    try {
      fd = openSync(this.location(name), folderFlags);
    } catch (error) {
      if (isGone(error)) return false;
      throw toEngineError(error, 'open', toText(name));
    }
    const { dev, ino } = fstatSync(fd, { bigint: true });
    this.#levels.push({ fd, dev, ino });
    const above = this.#levels.at(-1 - openLevels);
    if (above && above.fd >= 0 && this.#levels.length > openLevels + 1) {
      closeSync(above.fd);
      above.fd = -1;
    }
    return true;
  }

  leave(): void {
    const left = this.#levels.pop();
    const level = this.#levels.at(-1);
    if (!left) return;
    try {
      if (level && level.fd < 0) this.#reopen(level, left.fd);
    } finally {
      closeSync(left.fd);
    }
  }

  /** Of something in the folder; empty: of the folder itself. */
  location(name: ByteString): Buffer {
    return Buffer.concat([
      Buffer.from(`/proc/self/fd/${String(this.#levels.at(-1)?.fd)}/`),
      name === '' ? Buffer.from('.') : toBytes(name),
    ]);
  }

  /** Undefined when it is gone. */
  stat(name: ByteString): BigIntStats | undefined {
    try {
      return lstatSync(this.location(name), { bigint: true });
    } catch (error) {
      if (isGone(error)) return undefined;
      throw toEngineError(error, 'read', toText(name));
    }
  }

  /** In the order of their bytes. */
  names(): ByteString[] {
    try {
      return readdirSync(this.location(''), { encoding: 'latin1' }).sort();
    } catch (error) {
      if (isGone(error)) return [];
      throw toEngineError(error, 'read', 'a folder');
    }
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#levels.splice(0)) if (fd >= 0) closeSync(fd);
  }

  #reopen(level: Level, below: number): void {
    const fd = openSync(`/proc/self/fd/${String(below)}/..`, folderFlags);
    const { dev, ino } = fstatSync(fd, { bigint: true });
    if (dev !== level.dev || ino !== level.ino) {
      closeSync(fd);
      throw new EngineError('wrong-state', 'a folder was moved elsewhere while it was being read', {
        fix: 'pause or stop the container meanwhile',
      });
    }
    level.fd = fd;
  }
}

export function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP';
}

/** For reading; never waits for a fifo, never follows a symlink. Undefined when there is no file (any more). */
export function openFile(location: Buffer): ({ readonly fd: number } & Disposable) | undefined {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    const fd = openSync(location, flags);
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw toEngineError(error, 'open', location.toString());
  }
}
