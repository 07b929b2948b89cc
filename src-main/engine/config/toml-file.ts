import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { EngineError, messageOf } from '../../base/errors.ts';

export type Table = Readonly<Record<string, unknown>>;

/** A configuration file of containers-common(5): a table, and where it came from for error messages. */
export interface TomlFile {
  readonly path: string;
  readonly table: Table;
}

/** Answers undefined when there is no such file. A file that is not TOML: `invalid-argument` with its line. */
export function readTomlIfExists(path: string): TomlFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new EngineError('denied', `the configuration file ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      fix: `check its owner and mode: ls -l ${path}`,
    });
  }
  try {
    return { path, table: parse(text) };
  } catch (error) {
    const place = error instanceof TomlError ? `${path}:${error.line}:${error.column}` : path;
    const words = messageOf(error instanceof TomlError ? error.message.split('\n')[0] : error);
    throw new EngineError('invalid-argument', `the configuration file ${place} is not valid TOML: ${words}`, {
      cause: error,
      fix: 'correct the line, or move the file away',
    });
  }
}

/** The files NAME.d/*.conf in the order of their names. */
export function readDropIns(directory: string): TomlFile[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .flatMap((name) => readTomlIfExists(join(directory, name)) ?? []);
}

/** Values of one key path over several files: the last file that has it wins. */
export class Settings {
  readonly #files: readonly TomlFile[];
  readonly #used = new Set<string>();

  constructor(files: readonly TomlFile[]) {
    this.#files = files;
  }

  /** `FILE: section.key` of everything that was taken from a file. */
  get sources(): string[] {
    return [...this.#used];
  }

  text(section: string, key: string): string | undefined {
    return this.#take(section, key, 'a string', (value) => (typeof value === 'string' ? value : undefined));
  }

  flag(section: string, key: string): boolean | undefined {
    return this.#take(section, key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  integer(section: string, key: string): number | undefined {
    return this.#take(section, key, 'a whole number', (value) =>
      typeof value === 'number' && Number.isInteger(value) ? value : undefined,
    );
  }

  texts(section: string, key: string): readonly string[] | undefined {
    return this.#take(section, key, 'a list of strings', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    );
  }

  choice<const T extends string>(section: string, key: string, words: readonly T[]): T | undefined {
    return this.#take(section, key, `one of ${words.join(', ')}`, (value) => words.find((word) => word === value));
  }

  #take<T>(section: string, key: string, expected: string, read: (value: unknown) => T | undefined): T | undefined {
    for (const file of [...this.#files].reverse()) {
      const value = valueAt(file.table, [...section.split('.'), key]);
      if (value === undefined || value === '') continue;
      const result = read(value);
      if (result === undefined) {
        throw new EngineError('invalid-argument', `${file.path}: ${section}.${key} has to be ${expected}, it is ${JSON.stringify(value)}`, {
          fix: 'correct the value, or remove the line',
        });
      }
      this.#used.add(`${file.path}: ${section}.${key}`);
      return result;
    }
    return undefined;
  }
}

function valueAt(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as Table)[part];
  }
  return value;
}
