/** The table for a person and the rows for a program. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { columns, type Measurement, type Row, type RowResult } from './row.ts';

export function toResult(row: Row, { values }: Measurement): RowResult {
  return {
    row: row.title,
    unit: row.unit,
    selkie: rounded(values.selkie),
    podman: rounded(values.podman),
    docker: rounded(values.docker),
    floor: rounded(values.floor),
    target: row.target,
    met: row.isMet(values) ?? null,
  };
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toPrecision(4));
}

export function table(results: readonly RowResult[]): string {
  const head = ['what', 'unit', ...columns, 'target', 'met'];
  const lines = results.map((result) => [
    result.row,
    result.unit,
    ...columns.map((column) => shown(result[column])),
    result.target,
    result.met === null ? '?' : result.met ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, index) => Math.max(title.length, ...lines.map((line) => line[index]?.length ?? 0)));
  return [head, widths.map((width) => '-'.repeat(width)), ...lines]
    .map((line) =>
      line
        .map((cell, index) =>
          index >= 2 && index < 2 + columns.length ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

function shown(value: number | null): string {
  if (value === null) return '–';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function writeResults(path: string, results: readonly RowResult[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, `${JSON.stringify(results, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
