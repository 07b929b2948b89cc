/** How things in the trash are called. Pure. */
import type { TrashItem } from '../../../src-main/contract/trash.ts';
import { shortId } from '../../text/format.ts';

export function nameOfItem({ kind, object, names }: Pick<TrashItem, 'kind' | 'object' | 'names'>): string {
  return names[0] ?? (kind === 'volume' ? object : shortId(object));
}

/** Containers and volumes have a name of their own, which can be taken by another one; images share theirs by moving it. */
export function nameProposal(name: string, taken: ReadonlySet<string>): string {
  for (let number = 2; ; number++) {
    const proposal = `${name}-${String(number)}`;
    if (!taken.has(proposal)) return proposal;
  }
}

/** Podman's rule for names. */
export function isObjectName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name);
}
