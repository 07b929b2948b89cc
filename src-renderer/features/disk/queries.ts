/** What the pages of the disk ask of the engine, and do with it. The only place of this feature that calls the client. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { RepairDone, RepairPlan } from '../../../src-main/contract/system.ts';
import type { PruneDone, PruneOrder, PruneRequest, TrashItem } from '../../../src-main/contract/trash.ts';
import { cache } from '../../client/cache.ts';
import { useRefreshOnChange } from '../../client/changes.ts';
import { engine } from '../../client/connection.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { bringBack, type Removed } from '../../client/removed.ts';
import { formatBytes } from '../../text/format.ts';
import { text } from '../../text/text.ts';
import { nameOfItem } from './trash-words.ts';

const disk = ['disk'] as const;

/** All that this feature shows: measured anew after each change of the store. */
const refresh = () => cache.invalidateQueries({ queryKey: disk });

export function useDiskUsage() {
  useRefreshOnChange(disk);
  return useQuery({
    queryKey: [...disk, 'usage'],
    queryFn: async ({ signal }) => {
      const { system } = engine();
      const [usage, info] = await Promise.all([system.diskUsage({}, { signal }), system.info({}, { signal })]);
      return { ...usage, freeBytes: info.store.graphRootFreeBytes };
    },
  });
}

export function useTrash() {
  useRefreshOnChange(disk);
  return useQuery({ queryKey: [...disk, 'trash'], queryFn: ({ signal }) => engine().trash.list({}, { signal }) });
}

export function usePrunePlan(request: PruneRequest) {
  useRefreshOnChange(disk);
  return useQuery({
    queryKey: [...disk, 'plan', request],
    queryFn: ({ signal }) => engine().system.planPrune(request, { signal }),
    // While another choice is planned the table keeps its place.
    placeholderData: (before) => before,
  });
}

export function usePrune() {
  return useMutation<PruneDone, Error, PruneOrder>({
    mutationFn: (order) => engine().system.prune(order),
    onSettled: refresh,
  });
}

/** Looks at every layer; not asked for again by itself. */
export function useRepairPlan() {
  return useQuery({ queryKey: ['repair-plan'], queryFn: ({ signal }) => engine().system.planRepair({}, { signal }) });
}

export function useRepair() {
  return useMutation<RepairDone, Error, RepairPlan['actions']>({
    mutationFn: (actions) => engine().system.repair({ actions: actions.map(({ kind, object }) => ({ kind, object })) }),
    onSettled: async () => {
      await Promise.all([refresh(), cache.invalidateQueries({ queryKey: ['repair-plan'] })]);
    },
  });
}

/** Undoes a removal, of which a notice told. Reports by notices, never rejects. */
export async function undoRemoval(removed: readonly Removed[]): Promise<void> {
  const t = text();
  try {
    const { back, takenNames, failed } = await bringBack(engine(), removed);
    for (const one of failed) notifyFailure(t('trash.restoreFailed', { name: one.removed.names[0] ?? one.removed.object }), one.error);
    tellRestored(back, takenNames);
  } catch (error) {
    notifyFailure(t('trash.restoreFailed', { name: removed[0]?.names[0] ?? '' }), error);
  }
  await refreshAll();
}

/** One thing out of the trash, under its name or another. Rejects with `already-exists` when the name is taken. */
export async function restoreItem(item: TrashItem, name?: string): Promise<void> {
  const restored = await engine().trash.restore({ entry: item.id, ...(name === undefined ? {} : { name }) });
  tellRestored([restored.names[0] ?? nameOfItem(item)], restored.takenNames);
  await refreshAll();
}

/** Several, under their names. Answers the first one whose name is taken: it needs another. */
export async function restoreItems(items: readonly TrashItem[]): Promise<TrashItem | undefined> {
  const back: string[] = [];
  const takenNames: string[] = [];
  let nameless: TrashItem | undefined;
  for (const item of items) {
    try {
      const restored = await engine().trash.restore({ entry: item.id });
      back.push(restored.names[0] ?? nameOfItem(item));
      takenNames.push(...restored.takenNames);
    } catch (error) {
      if (isEngineError(error, 'already-exists')) nameless ??= item;
      else notifyFailure(text()('trash.restoreFailed', { name: nameOfItem(item) }), error);
    }
  }
  tellRestored(back, takenNames);
  await refreshAll();
  return nameless;
}

/** Without items all. Reports by notices, never rejects. */
export async function deleteForGood(items: readonly TrashItem[]): Promise<void> {
  const t = text();
  try {
    const { discarded, freedBytes } = await engine().trash.empty({ entries: items.map(({ id }) => id) });
    const missed = items.length - discarded.length;
    const told = t('trash.deleted', { count: discarded.length, bytes: formatBytes(freedBytes) });
    if (missed > 0) notify({ kind: 'warning', title: told, detail: t('trash.deletedNot', { count: missed }) });
    else notify({ kind: 'done', title: told });
  } catch (error) {
    notifyFailure(t('trash.deleteFailed'), error);
  }
  await refresh();
}

function tellRestored(back: readonly string[], takenNames: readonly string[]): void {
  const t = text();
  const [first] = back;
  if (first === undefined) return;
  const title = back.length === 1 ? t('trash.restored', { name: first }) : t('trash.restoredMany', { count: back.length });
  if (takenNames.length > 0) notify({ kind: 'warning', title, detail: t('trash.takenNames', { names: takenNames.join(', ') }) });
  else notify({ kind: 'done', title });
}

/** Volumes have no stream of their own. */
async function refreshAll(): Promise<void> {
  await Promise.all([refresh(), cache.invalidateQueries({ queryKey: ['volumes'] })]);
}
