import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import type { BlobStore, DownloadStore } from '../content/content.ts';
import type { LayerStore } from '../layer/layer.ts';
import { type Registries, loadRegistries } from '../reference/reference.ts';
import type { Limits } from '../registry/registry.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { State } from '../state/state.ts';

/** What the parts of this room share. */
export interface ImageContext {
  readonly config: Pick<EngineConfig, 'graphRoot' | 'runRoot' | 'resources'>;
  readonly state: State;
  readonly layers: LayerStore;
  readonly snapshots: SnapshotStore;
  readonly system: System;
  readonly blobs: BlobStore;
  readonly downloads: DownloadStore;
  /** Read at the moment of use. */
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  readonly limits: Partial<Limits>;
}

export function readRegistries(context: ImageContext): Registries {
  const { homeDirectory, rootless } = context.system.identity;
  return loadRegistries({ homeDirectory, rootless, environment: context.environment() });
}
