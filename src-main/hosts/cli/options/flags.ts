/**
 * Flags as Podman's users know them: the semantics of Go's pflag.
 *
 * Why an own parser. commander, yargs and node:util's parseArgs were looked at (2026-11): none of them does
 * `--flag=false`, values that look like flags (`--cpu-quota -1`), comma-separated lists (`--cap-add A,B`) and flags that end at
 * the first argument all at once, and their load time (5 to 20 ms) is on the path of every `selkie ps`. What is left after
 * that is this table and the eighty lines of parse.ts.
 */

/**
 * - `bool`: `-d`, `--detach`, `--detach=false`
 * - `strings`: repeated, and each value is a comma-separated list; `array`: repeated, each value as it is
 */
export type FlagKind = 'bool' | 'string' | 'strings' | 'array' | 'int' | 'uint' | 'float';

export interface Flag {
  readonly kind: FlagKind;
  /** One line for the help page. */
  readonly help: string;
  readonly short?: string;
  /** Shown in the help page for the value, instead of the kind. */
  readonly word?: string;
  /** Shown in the help page. */
  readonly default?: string;
  /** Old spellings that go on working: net for network. */
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
}

export type FlagTable = Readonly<Record<string, Flag>>;

type Value<K extends FlagKind> = K extends 'bool'
  ? boolean | undefined
  : K extends 'string'
    ? string | undefined
    : K extends 'strings' | 'array'
      ? readonly string[]
      : number | undefined;

export type FlagValues<T extends FlagTable> = { readonly [N in keyof T]: Value<T[N]['kind']> };

/** Keeps the literal kinds, so that values are typed by the table. */
export function flagTable<const T extends FlagTable>(table: T): T {
  return table;
}

/** Of an option that Podman has and Selkie has not yet: refused by its name, with the reason where there is more to say. */
export type UnsupportedFlags = Readonly<Record<string, string>>;
