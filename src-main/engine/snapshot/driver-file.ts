import { linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Files } from '../../system/system.ts';
import { hasCode } from './layout.ts';
import type { SnapshotDriver } from './snapshot.ts';

const drivers: readonly SnapshotDriver[] = ['overlay', 'vfs'];

/**
 * Which driver the store is of. Written with the first content: until then a store is nobody's. One that is empty again may be taken over;
 * whoever adds to the store makes a folder first and looks at the file then, whoever takes it over writes the file first and looks for
 * folders then, so one of two that meet sees the other.
 */
export class DriverFile {
  readonly #graphRoot: string;
  readonly #path: string;
  readonly #files: Pick<Files, 'readTextIfExists' | 'writeAtomically'>;

  constructor(graphRoot: string, files: Pick<Files, 'readTextIfExists' | 'writeAtomically'>) {
    this.#graphRoot = graphRoot;
    this.#path = join(graphRoot, 'storage-driver');
    this.#files = files;
  }

  /** One small read. Also of a store from before there was this file. */
  remembered(): SnapshotDriver | undefined {
    return this.#recorded() ?? this.holder();
  }

  /** The driver whose content is here, be it of a store from before there was this file; undefined for a store without content. */
  holder(): SnapshotDriver | undefined {
    const recorded = this.#recorded();
    if (recorded !== undefined && this.#hasContent(recorded)) return recorded;
    return drivers.find((driver) => this.#hasContent(driver));
  }

  /** `wrong-state` when the store is, or just became, another driver's. */
  claim(driver: SnapshotDriver): void {
    const recorded = this.#recorded();
    if (recorded === driver) return;
    if (recorded === undefined) {
      if (this.#writeFirst(driver)) return;
      this.claim(driver);
      return;
    }
    if (this.#hasContent(recorded)) throw mismatch(recorded, driver, this.#graphRoot);
    this.#files.writeAtomically(this.#path, `${driver}\n`, { mode: 0o600 });
    if (!this.#hasContent(recorded)) return;
    this.#files.writeAtomically(this.#path, `${recorded}\n`, { mode: 0o600 });
    throw mismatch(recorded, driver, this.#graphRoot);
  }

  #recorded(): SnapshotDriver | undefined {
    const word = this.#files.readTextIfExists(this.#path)?.trim();
    return drivers.find((driver) => driver === word);
  }

  /** Only when there is none yet: a link, unlike a rename, replaces nothing. */
  #writeFirst(driver: SnapshotDriver): boolean {
    const temporary = `${this.#path}.${String(process.pid)}.tmp`;
    writeFileSync(temporary, `${driver}\n`, { mode: 0o600 });
    try {
      linkSync(temporary, this.#path);
      return true;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      if (this.#recorded() !== undefined) return false;
      // What is in it is no driver's name: a full disk cut it off.
      this.#files.writeAtomically(this.#path, `${driver}\n`, { mode: 0o600 });
      return true;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  #hasContent(driver: SnapshotDriver): boolean {
    try {
      return readdirSync(join(this.#graphRoot, driver)).some((name) => !name.startsWith('.') && name !== 'l');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
      throw error;
    }
  }
}

/** Podman's words, and the way out. */
export function mismatch(remembered: SnapshotDriver, asked: SnapshotDriver, graphRoot: string): EngineError {
  return new EngineError(
    'wrong-state',
    `database storage graph driver "${remembered}" does not match our storage graph driver "${asked}": database configuration mismatch (the images and containers in ${graphRoot} are kept by ${remembered})`,
    {
      fix: `leave the driver out (--storage-driver, STORAGE_DRIVER, storage.conf) to go on with ${remembered}; or keep both: give ${asked} a folder of its own by --root; or save the images with \`selkie save\`, remove everything here, and load them again`,
      details: { remembered, asked },
    },
  );
}
