import { isEngineError, messageOf } from '../../base/errors.ts';
import type { EngineConfig } from '../config/config.ts';
import { DriverFile, mismatch } from './driver-file.ts';
import { OverlaySnapshotStore } from './overlay/overlay-snapshot-store.ts';
import type { SnapshotStore, SnapshotSystem } from './snapshot.ts';
import { checkVfsOptions, imageStoresIn, parseOverlayOptions } from './storage-options.ts';
import { VfsSnapshotStore } from './vfs/vfs-snapshot-store.ts';

export interface OpenSnapshotStoreOptions {
  readonly config: Pick<EngineConfig, 'graphRoot' | 'runRoot' | 'storageDriver' | 'storageOptions'>;
  readonly system: SnapshotSystem;
}

/**
 * Opens the store by the driver that it is of. One without content becomes what was asked for, else the best that works here, found by trying:
 * overlay by the kernel, overlay by fuse-overlayfs, vfs. One with content never changes its driver by itself, even when that does not work any
 * more: its images and containers would be gone from sight. Costs one small read for a store that has content.
 * Errors: `wrong-state` for a store of another driver, `unsupported` for an option that cannot be honoured.
 */
export function openSnapshotStore({ config, system }: OpenSnapshotStoreOptions): SnapshotStore {
  const { graphRoot, runRoot, storageDriver: asked, storageOptions } = config;
  const driverFile = new DriverFile(graphRoot, system.files);
  const common = { graphRoot, runRoot, system, driverFile };
  const openVfs = (reason: string): SnapshotStore => {
    checkVfsOptions(storageOptions, asked === 'vfs');
    return new VfsSnapshotStore({ ...common, reason, imageStores: imageStoresIn(storageOptions) });
  };
  const openOverlay = (): OverlaySnapshotStore => new OverlaySnapshotStore({ ...common, options: parseOverlayOptions(storageOptions) });

  if (asked !== undefined) {
    const holder = driverFile.remembered() === asked ? asked : driverFile.holder();
    if (holder !== undefined && holder !== asked) throw mismatch(holder, asked, graphRoot);
    return asked === 'overlay' ? openOverlay() : openVfs('it was asked for');
  }
  const remembered = driverFile.remembered();
  if (remembered === 'overlay') return openOverlay();
  if (remembered === 'vfs')
    return openVfs('the content of this store is kept by vfs; every layer and container is a whole copy, so it is slow and large');
  const overlay = openOverlay();
  try {
    overlay.ready();
    return overlay;
  } catch (error) {
    if (!isEngineError(error, 'unsupported')) throw error;
    return openVfs(`warning: every layer and container is a whole copy, so it is slow and large. ${messageOf(error)}`);
  }
}
