import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { disposable } from '../../base/disposable.ts';
import type { Files } from '../../system/system.ts';

/** What conmon reported of a container's end. */
export interface ExitReport {
  readonly code: number;
  readonly finishedAt: number;
}

/** A container's id, or that of a detached exec behind it and a dot. */
const reportShape = /^[0-9a-f]{64}(\.[0-9a-f]{64})?$/;

export function isReportName(name: string): boolean {
  return reportShape.test(name);
}

/**
 * The folder in which every conmon leaves its container's exit code. One inotify watch per engine serves all who wait; it is
 * there only while someone does.
 */
export class ExitHub {
  readonly #directory: string;
  readonly #files: Files;
  readonly #listeners = new Set<(id: string) => void>();
  #watch: Disposable | undefined;

  constructor(directory: string, files: Files) {
    this.#directory = directory;
    this.#files = files;
  }

  subscribe(listener: (id: string) => void): Disposable {
    this.#files.ensureDirectory(this.#directory, 0o700);
    this.#listeners.add(listener);
    this.#watch ??= this.#files.watchDirectory(this.#directory, (name) => {
      for (const each of [...this.#listeners]) each(name);
    });
    return disposable(() => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#watch?.[Symbol.dispose]();
      this.#watch = undefined;
    });
  }

  /** Undefined when there is none, or conmon has not finished writing it. */
  read(name: string): ExitReport | undefined {
    const path = join(this.#directory, name);
    try {
      const text = readFileSync(path, 'latin1').trim();
      if (!/^-?\d{1,10}$/.test(text)) return undefined;
      return { code: Number(text), finishedAt: Math.round(statSync(path).mtimeMs) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Names of the reports that are there; one readdir. */
  pending(): string[] {
    try {
      return readdirSync(this.#directory).filter(isReportName);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
