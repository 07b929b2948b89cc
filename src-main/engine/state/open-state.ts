import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { Lock, System } from '../../system/system.ts';
import { openAdditionalStores } from './additional-stores.ts';
import { createContainerTable } from './container-table.ts';
import { Database } from './database.ts';
import { createImageTable } from './image-table.ts';
import { createEventTable, createOperationTable } from './journal.ts';
import { createLayerTable } from './layer-table.ts';
import { Reserve } from './reserve.ts';
import type { State } from './state.ts';
import { createTrashTable } from './trash-table.ts';
import { createVolumeTable } from './volume-table.ts';

export interface StateOptions {
  readonly graphRoot: string;
  readonly runRoot: string;
  /** See AdditionalStores. Default: none. */
  readonly imageStores?: () => readonly string[];
  readonly system: Pick<System, 'files' | 'locks' | 'clock' | 'processes'>;
}

/** Opens, or makes, the store's database. Errors: `corrupt`, `denied`, `disk-full`, `version-mismatch`, each with what to do. */
export function openState({ graphRoot, runRoot, system, imageStores = () => [] }: StateOptions): State {
  const reserve = new Reserve(graphRoot, system.files);
  const database = reserve.use(() => new Database(graphRoot, system.files));
  reserve.keep();
  const additional = openAdditionalStores({ paths: imageStores, runRoot });
  const made = new Set<string>();

  function lockPath(kind: string, id: string): string {
    const directory = join(runRoot, 'locks', kind);
    if (!made.has(kind)) {
      system.files.ensureDirectory(directory, 0o700);
      made.add(kind);
    }
    // Names of volumes and digests may hold what a file name cannot.
    return join(directory, /^[a-zA-Z0-9_.-]{1,128}$/.test(id) ? id : createHash('sha256').update(id).digest('hex'));
  }

  return {
    containers: createContainerTable(database),
    images: createImageTable(database, additional),
    layers: createLayerTable(database),
    additional,
    volumes: createVolumeTable(database),
    trash: createTrashTable(database),
    events: createEventTable(database, system.clock),
    operations: createOperationTable(database, system.clock, system.processes, () => reserve.release()),
    releaseReserve: () => reserve.release(),
    transaction: (change) => database.transaction(change),
    lock: (kind, id, signal) => system.locks.acquire(lockPath(kind, id), signal ? { signal } : {}),
    tryLock: (kind, id): Lock | undefined => system.locks.tryAcquire(lockPath(kind, id)),
    [Symbol.dispose]() {
      database[Symbol.dispose]();
    },
  };
}
