/** What an import would copy, for a person who has to agree. */
import type { ImportPlan } from '../../../contract/adopt.ts';
import { humanSize, shortId } from './human.ts';
import { alignColumns } from './table.ts';

const words: Readonly<Record<ImportPlan['images'][number]['action'], string>> = { copy: 'copy', present: 'already here', skip: 'leave' };

export function importPlanText(plan: ImportPlan): string {
  const rows = [
    ...plan.images.map(
      ({ id, names, sizeBytes, action, reason }) =>
        ['image', shortId(id), names.join(', ') || '<none>', sizeBytes, action, reason] as const,
    ),
    ...plan.volumes.map(({ name, sizeBytes, action, reason }) => ['volume', '-', name, sizeBytes, action, reason] as const),
  ];
  if (rows.length === 0) return `There is nothing to import in ${plan.root}.\n`;
  const cells = rows.map(([kind, id, name, bytes, action]) => [kind, id, name, bytes === 0 ? '-' : humanSize(bytes), words[action]]);
  const table = alignColumns([['KIND', 'ID', 'NAME', 'SIZE', 'ACTION'], ...cells].map((line) => `${line.join('\t')}\n`).join(''));
  const notes = rows
    .filter(([, , , , , reason]) => reason !== '')
    .map(
      ([kind, id, name, , action, reason]) =>
        `${action === 'skip' ? 'Left' : 'Note'}: ${kind} ${name === '<none>' ? id : name}: ${reason}\n`,
    );
  const count = rows.filter(([, , , , action]) => action === 'copy').length;
  const total =
    count === 0 ? 'There is nothing to copy.' : `${humanSize(plan.copyBytes)} are copied from ${plan.root}, which is only read.`;
  return `${table}${notes.join('')}${total}\n`;
}
