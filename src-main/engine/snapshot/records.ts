import { existsSync } from 'node:fs';
import { toEngineError } from '../../system/errno.ts';
import { keyOf } from './layout.ts';
import type { SnapshotLayout } from './layout.ts';
import type { SnapshotEntry } from './snapshot.ts';

export function listSnapshots(layout: SnapshotLayout): SnapshotEntry[] {
  return layout.names().map((name) => {
    const key = keyOf(name);
    const committed = layout.isCommitted(key);
    const intact = committed ? layout.committedIfIntact(key) : undefined;
    const record = intact ?? layout.creating(key);
    const damaged = committed && (!intact || !existsSync(layout.diff(key)));
    return { key, parent: record?.parent, committed, ...(damaged ? { damaged } : {}) };
  });
}

/** A failing disk is an error of the disk, not a bug. */
export async function withErrnos<T>(call: string, key: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toEngineError(error, call, `snapshot ${key}`);
  }
}
