import { EngineError } from '../../../base/errors.ts';
import type { Flag, FlagTable, FlagValues, UnsupportedFlags } from './flags.ts';

export interface ParseOptions {
  /** For the second line of an error: `ps`, `volume create`; empty for the program itself. */
  readonly command: string;
  /** Whether flags may stand behind arguments. run and exec say no: what follows belongs to the container. */
  readonly interspersed: boolean;
  readonly unsupported?: UnsupportedFlags;
}

export interface Parsed<T extends FlagTable> {
  readonly flags: FlagValues<T>;
  readonly positionals: readonly string[];
  /** Flags that were given, whatever their value. */
  readonly given: ReadonlySet<string>;
  readonly help: boolean;
}

type Stored = string | number | boolean | string[];

export function parseFlags<T extends FlagTable>(table: T, words: readonly string[], options: ParseOptions): Parsed<T> {
  const reader = new FlagReader(table, words, options);
  reader.read();
  return reader.result<T>();
}

class FlagReader {
  readonly #long = new Map<string, [string, Flag]>();
  readonly #short = new Map<string, [string, Flag]>();
  readonly #values = new Map<string, Stored>();
  readonly #given = new Set<string>();
  readonly #positionals: string[] = [];
  readonly #words: readonly string[];
  readonly #options: ParseOptions;
  #next = 0;
  #help = false;

  constructor(table: FlagTable, words: readonly string[], options: ParseOptions) {
    this.#words = words;
    this.#options = options;
    for (const [name, flag] of Object.entries(table)) {
      for (const spelling of [name, ...(flag.aliases ?? [])]) this.#long.set(spelling, [name, flag]);
      if (flag.short !== undefined) this.#short.set(flag.short, [name, flag]);
      if (flag.kind === 'strings' || flag.kind === 'array') this.#values.set(name, []);
    }
  }

  read(): void {
    while (this.#next < this.#words.length) {
      const word = this.#words[this.#next++] ?? '';
      if (word === '--') {
        this.#positionals.push(...this.#words.slice(this.#next));
        return;
      }
      if (word.startsWith('--')) this.#readLong(word);
      else if (word.startsWith('-') && word.length > 1) this.#readShorts(word);
      else if (this.#options.interspersed) this.#positionals.push(word);
      else {
        this.#positionals.push(word, ...this.#words.slice(this.#next));
        return;
      }
    }
  }

  result<T extends FlagTable>(): Parsed<T> {
    // The map was filled by the table that T is the type of.
    const flags = Object.fromEntries(this.#values) as FlagValues<T>;
    return { flags, positionals: this.#positionals, given: this.#given, help: this.#help };
  }

  #readLong(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const entry = this.#long.get(name);
    if (!entry) {
      if (name === 'help') {
        this.#help = true;
        return;
      }
      this.#refuseUnsupported(name, `--${name}`);
      throw this.#error(`unknown flag: --${name}`);
    }
    const [key, flag] = entry;
    if (equals >= 0) this.#store(key, flag, word.slice(equals + 1));
    else if (flag.kind === 'bool') this.#store(key, flag, 'true');
    else this.#store(key, flag, this.#takeValue(`flag needs an argument: --${name}`));
  }

  /** `-it`, `-dp 80:80`, `-p80:80`, `-t=false`. */
  #readShorts(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at);
      const entry = this.#short.get(letter);
      if (!entry) {
        if (letter === 'h') {
          this.#help = true;
          return;
        }
        this.#refuseUnsupported(letter, `-${letter}`);
        throw this.#error(`unknown shorthand flag: '${letter}' in ${word}`);
      }
      const [key, flag] = entry;
      const rest = word.slice(at + 1);
      if (rest.startsWith('=')) {
        this.#store(key, flag, rest.slice(1));
        return;
      }
      if (flag.kind !== 'bool') {
        this.#store(key, flag, rest === '' ? this.#takeValue(`flag needs an argument: '${letter}' in ${word}`) : rest);
        return;
      }
      this.#store(key, flag, 'true');
    }
  }

  #takeValue(complaint: string): string {
    const value = this.#words[this.#next++];
    if (value === undefined) throw this.#error(complaint);
    return value;
  }

  #store(name: string, flag: Flag, text: string): void {
    this.#given.add(name);
    switch (flag.kind) {
      case 'bool':
        this.#values.set(name, this.#boolean(name, flag, text));
        return;
      case 'string':
        this.#values.set(name, text);
        return;
      case 'strings':
        this.#list(name).push(...splitList(text));
        return;
      case 'array':
        this.#list(name).push(text);
        return;
      default:
        this.#values.set(name, this.#number(name, flag, text));
    }
  }

  #list(name: string): string[] {
    const list = this.#values.get(name);
    return Array.isArray(list) ? list : [];
  }

  #boolean(name: string, flag: Flag, text: string): boolean {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
    throw this.#invalid(name, flag, text, 'it has to be true or false');
  }

  #number(name: string, flag: Flag, text: string): number {
    const shape = flag.kind === 'float' ? /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i : flag.kind === 'uint' ? /^\+?\d+$/ : /^[+-]?\d+$/;
    const value = Number(text);
    if (!shape.test(text) || (flag.kind !== 'float' && !Number.isSafeInteger(value))) {
      const wanted = flag.kind === 'float' ? 'a number' : flag.kind === 'uint' ? 'a whole number, not negative' : 'a whole number';
      throw this.#invalid(name, flag, text, `it has to be ${wanted}`);
    }
    return value;
  }

  #invalid(name: string, flag: Flag, text: string, why: string): EngineError {
    const spelling = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
    return this.#error(`invalid argument "${text}" for "${spelling}" flag: ${why}`);
  }

  #refuseUnsupported(key: string, spelling: string): void {
    const unsupported = this.#options.unsupported;
    if (!unsupported || !Object.hasOwn(unsupported, key)) return;
    const why = unsupported[key] ?? '';
    throw new EngineError('unsupported', `${spelling} is not supported yet${why === '' ? '' : `: ${why}`}`, {
      fix: `leave ${spelling} out; selkie ${this.#options.command} --help lists what there is`,
    });
  }

  #error(message: string): EngineError {
    const command = this.#options.command === '' ? 'selkie' : `selkie ${this.#options.command}`;
    return new EngineError('invalid-argument', message, { details: { hint: `See '${command} --help'` } });
  }
}

/** A CSV line as encoding/csv reads it: `a,b`, `"a,b",c`, `"say ""x"""`. */
export function splitList(text: string): string[] {
  if (text === '') return [];
  const items: string[] = [];
  let at = 0;
  for (;;) {
    const [item, end] = text.charAt(at) === '"' ? quotedItem(text, at) : plainItem(text, at);
    items.push(item);
    if (end >= text.length) return items;
    at = end + 1;
  }
}

function plainItem(text: string, from: number): [string, number] {
  const comma = text.indexOf(',', from);
  const end = comma < 0 ? text.length : comma;
  return [text.slice(from, end), end];
}

function quotedItem(text: string, from: number): [string, number] {
  let item = '';
  for (let at = from + 1; at < text.length; at++) {
    if (text.charAt(at) !== '"') item += text.charAt(at);
    else if (text.charAt(at + 1) === '"') {
      item += '"';
      at++;
    } else if (at + 1 === text.length || text.charAt(at + 1) === ',') return [item, at + 1];
    else break;
  }
  throw new EngineError('invalid-argument', `invalid list ${text}: a quoted item has to end with " before the comma`);
}
