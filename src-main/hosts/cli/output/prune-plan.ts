/** What a prune would take, for a person who has to agree. */
import type { PrunePlan } from '../../../contract/trash.ts';
import { ago, humanSize, shortId } from './human.ts';
import { alignColumns } from './table.ts';

interface Row {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly lastUsedAt: number;
  readonly usedBy: readonly string[];
}

function rowsOf(plan: PrunePlan): Row[] {
  return [
    ...plan.containers.map(({ id, name, sizeBytes, lastUsedAt }) => ({
      ...{ kind: 'container', id: shortId(id), name, bytes: sizeBytes, lastUsedAt },
      usedBy: [],
    })),
    ...plan.volumes.map(({ name, sizeBytes, lastUsedAt, usedBy }) => ({
      ...{ kind: 'volume', id: name.length === 64 ? shortId(name) : '-', name, bytes: sizeBytes, lastUsedAt },
      usedBy,
    })),
    ...plan.images.map(({ id, names, uniqueBytes, lastUsedAt, usedBy }) => ({
      ...{ kind: 'image', id: shortId(id), name: names.join(', ') || '<none>', bytes: uniqueBytes, lastUsedAt },
      usedBy,
    })),
  ];
}

/** @param options.keepDays 0: it is deleted at once */
export function planText(plan: PrunePlan, options: { readonly nowMs: number; readonly keepDays: number }): string {
  const rows = rowsOf(plan);
  const kept = plan.kept.map(({ kind, object, name, usedBy }) => {
    const shown = name === '' ? shortId(object) : name;
    return `Kept: ${kind} ${shown}, which ${usedBy.slice(0, 5).join(', ')}${usedBy.length > 5 ? ' and others' : ''} use${usedBy.length === 1 ? 's' : ''}\n`;
  });
  if (rows.length === 0) return `${kept.join('')}There is nothing to remove.\n`;
  const cells = rows.map((row) => [
    row.kind,
    row.id,
    row.name,
    humanSize(row.bytes),
    ago(row.lastUsedAt, options.nowMs),
    row.usedBy.length === 0 ? '-' : `${row.usedBy.join(', ')} (also removed)`,
  ]);
  const table = alignColumns(
    [['KIND', 'ID', 'NAME', 'SIZE', 'LAST USED', 'USED BY'], ...cells].map((line) => `${line.join('\t')}\n`).join(''),
  );
  const what = rows.length === 1 ? 'this' : `these ${String(rows.length)}`;
  const shared = plan.totalBytes - rows.reduce((sum, { bytes }) => sum + bytes, 0);
  const more = shared > 0 ? `, ${humanSize(shared)} of it shared between images that all go` : '';
  const trash = options.keepDays > 0 ? `kept in the trash for ${String(options.keepDays)} days (--no-trash: not)` : 'deleted at once';
  return `${table}${kept.join('')}Without ${what}, ${humanSize(plan.totalBytes)} are free${more}. ${rows.length === 1 ? 'It is' : 'They are'} ${trash}.\n`;
}
