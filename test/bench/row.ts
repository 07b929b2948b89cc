/** What a row of the benchmark is. Each lives in its own file under rows/; `rows/rows.ts` lists them. */
import type { Bench } from './bench.ts';

export const columns = ['selkie', 'podman', 'docker', 'floor'] as const;
export type Column = (typeof columns)[number];

/** Undefined: not measured here, with the reason among the notes. */
export type Values = Partial<Record<Column, number>>;

export interface Measurement {
  readonly values: Values;
  readonly notes?: readonly string[];
}

export interface Row {
  /** Stable key, for choosing it on the command line. */
  readonly id: string;
  readonly title: string;
  readonly unit: 'ms' | 'MB' | 'kB' | '%';
  /** In words, as the issue has it. */
  readonly target: string;
  /** Whether the values meet it; undefined when what it is compared with was not measured. */
  readonly isMet: (values: Values) => boolean | undefined;
  readonly measure: (bench: Bench) => Promise<Measurement>;
}

/** One line of the JSON output. */
export interface RowResult {
  readonly row: string;
  readonly unit: string;
  readonly selkie: number | null;
  readonly podman: number | null;
  readonly docker: number | null;
  readonly floor: number | null;
  readonly target: string;
  readonly met: boolean | null;
}

/** For targets "at most `limit`, and at most `share` of Podman's". */
export function atMost(limit: number, share?: number): Row['isMet'] {
  return ({ selkie, podman }) => {
    if (selkie === undefined) return undefined;
    if (selkie > limit) return false;
    if (share === undefined) return true;
    return podman === undefined ? undefined : selkie <= share * podman;
  };
}
