import { EngineError } from '../../base/errors.ts';
import type { EngineConfig } from '../config/config.ts';
import { OverlaySnapshotStore } from './overlay/overlay-snapshot-store.ts';
import type { OverlaySystem } from './overlay/overlay-snapshot-store.ts';
import { parseStorageOptions } from './overlay/storage-options.ts';
import type { SnapshotStore } from './snapshot.ts';

export interface OpenSnapshotStoreOptions {
  readonly config: Pick<EngineConfig, 'graphRoot' | 'runRoot' | 'storageOptions'> & { readonly storageDriver: string | undefined };
  readonly system: OverlaySystem;
}

/**
 * Opens the store that works here. Costs nothing until it is used: the trial mount is made on first use and remembered on disk.
 * Errors: `unsupported` for another driver or an option that cannot be honoured.
 */
export function openSnapshotStore({ config, system }: OpenSnapshotStoreOptions): SnapshotStore {
  const { graphRoot, runRoot, storageDriver, storageOptions } = config;
  if (storageDriver !== undefined && storageDriver !== 'overlay')
    throw new EngineError('unsupported', `storage driver ${JSON.stringify(storageDriver)} is not supported`, {
      fix: 'use overlay, or leave the choice to the engine',
    });
  return new OverlaySnapshotStore({ graphRoot, runRoot, options: parseStorageOptions(storageOptions), system });
}
