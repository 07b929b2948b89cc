/** What of a plan is to be taken, and what that frees. Pure. */
import type { PruneOrder, PrunePlan } from '../../../src-main/contract/trash.ts';
import { shortId } from '../../text/format.ts';

export interface PlanRow {
  /** Kind and object: the name of a volume can be that of a container. */
  readonly key: string;
  readonly kind: 'container' | 'volume' | 'image';
  readonly object: string;
  /** Undefined: it has none. */
  readonly name: string | undefined;
  readonly shown: string;
  readonly bytes: number;
  readonly lastUsedAt: number;
  /** Names of containers of the plan: it can go only with them. */
  readonly usedBy: readonly string[];
}

export function planRows(plan: PrunePlan): readonly PlanRow[] {
  return [
    ...plan.containers.map(({ id, name, sizeBytes, lastUsedAt }) => row('container', id, name, sizeBytes, lastUsedAt, [])),
    ...plan.volumes.map(({ name, sizeBytes, lastUsedAt, usedBy }) => row('volume', name, name, sizeBytes, lastUsedAt, usedBy)),
    ...plan.images.map(({ id, names, uniqueBytes, lastUsedAt, usedBy }) => row('image', id, names[0], uniqueBytes, lastUsedAt, usedBy)),
  ];
}

function row(
  kind: PlanRow['kind'],
  object: string,
  name: string | undefined,
  bytes: number,
  lastUsedAt: number,
  usedBy: readonly string[],
): PlanRow {
  return { key: `${kind} ${object}`, kind, object, name, shown: name ?? shortId(object), bytes, lastUsedAt, usedBy };
}

/** What was left out, and what is needed by a container that was left out. */
export function keptRows(rows: readonly PlanRow[], leftOut: ReadonlySet<string>): ReadonlySet<string> {
  const stays = new Set(rows.filter(({ kind, key }) => kind === 'container' && leftOut.has(key)).map(({ shown }) => shown));
  return new Set(rows.filter(({ key, usedBy }) => leftOut.has(key) || usedBy.some((name) => stays.has(name))).map(({ key }) => key));
}

/**
 * What is left out once the ticks are those of `ticked`. A tick that went leaves that line out and no other: what stays because of it comes
 * back with it. A tick on what a left-out container needs takes that container in again, too.
 */
export function leaveOut(rows: readonly PlanRow[], leftOut: ReadonlySet<string>, ticked: ReadonlySet<string>): ReadonlySet<string> {
  const kept = keptRows(rows, leftOut);
  const next = new Set(leftOut);
  for (const { key, usedBy } of rows) {
    if (kept.has(key) && ticked.has(key)) {
      next.delete(key);
      for (const container of rows) if (container.kind === 'container' && usedBy.includes(container.shown)) next.delete(container.key);
    } else if (!kept.has(key) && !ticked.has(key)) next.add(key);
  }
  return next;
}

export interface Estimate {
  readonly bytes: number;
  /** Layers that only several of them share are not in it. */
  readonly atLeast: boolean;
}

export function estimate(plan: PrunePlan, rows: readonly PlanRow[], kept: ReadonlySet<string>): Estimate {
  if (kept.size === 0) return { bytes: plan.totalBytes, atLeast: false };
  const taken = rows.filter(({ key }) => !kept.has(key));
  return {
    bytes: taken.reduce((sum, { bytes }) => sum + bytes, 0),
    atLeast: taken.filter(({ kind }) => kind === 'image').length > 1,
  };
}

export function toOrder(plan: PrunePlan, kept: ReadonlySet<string>, trash: boolean): PruneOrder {
  return {
    containers: plan.containers.map(({ id }) => id).filter((id) => !kept.has(`container ${id}`)),
    volumes: plan.volumes.map(({ name }) => name).filter((name) => !kept.has(`volume ${name}`)),
    images: plan.images.filter(({ id }) => !kept.has(`image ${id}`)).map(({ id, names }) => ({ id, names })),
    trash,
  };
}
