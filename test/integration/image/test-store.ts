/** A store of its own for a test, on the real rooms; nothing of the machine's configuration is read but the system's authorities. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Digest } from '../../../src-main/contract/ids.ts';
import type { TransferProgress } from '../../../src-main/contract/image.ts';
import { createImageStore, type ImageStore } from '../../../src-main/engine/image/image.ts';
import { createLayerStore, type LayerStore } from '../../../src-main/engine/layer/layer.ts';
import type { Limits } from '../../../src-main/engine/registry/registry.ts';
import { openSnapshotStore, type SnapshotStore } from '../../../src-main/engine/snapshot/snapshot.ts';
import { openState, type State } from '../../../src-main/engine/state/state.ts';
import { createLinuxSystem } from '../../../src-main/system/linux/linux.ts';
import type { System } from '../../../src-main/system/system.ts';

/** Short pauses, so that a test of five attempts takes no minute. */
export const quickLimits: Partial<Limits> = { pauseMs: 20, longestPauseMs: 100, idleMs: 2000, headersMs: 2000, connectMs: 2000 };

export interface TestEngine extends Disposable {
  readonly images: ImageStore;
  readonly state: State;
  readonly layers: LayerStore;
  readonly snapshots: SnapshotStore;
}

export class TestStore implements AsyncDisposable {
  readonly directory: string;
  readonly graphRoot: string;
  readonly home: string;
  readonly environment: Record<string, string> = {};
  readonly system: System;
  readonly #resources: string;
  readonly #storageDriver: 'overlay' | 'vfs' | undefined;

  constructor(options: { readonly directory?: string; readonly resources?: string; readonly storageDriver?: 'overlay' | 'vfs' } = {}) {
    this.#storageDriver = options.storageDriver;
    this.directory = options.directory ?? mkdtempSync('/tmp/selkie-image-');
    this.graphRoot = join(this.directory, 'graph');
    this.home = join(this.directory, 'home');
    this.#resources = options.resources ?? join(import.meta.dirname, '../../../resources');
    mkdirSync(this.home, { recursive: true });
    const real = createLinuxSystem();
    this.system = { ...real, identity: { ...real.identity, homeDirectory: this.home } };
    this.write('.config/containers/policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
    this.write('.config/containers/registries.conf', '');
  }

  /** A file in the user's home. */
  write(path: string, content: string | Uint8Array): string {
    const file = join(this.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** Any number at once, as engines of the CLI and the window are. */
  openEngine(limits: Partial<Limits> = quickLimits): TestEngine {
    const { system, graphRoot } = this;
    const runRoot = join(this.directory, 'run');
    const config = { graphRoot, runRoot, storageDriver: this.#storageDriver, storageOptions: [], resources: this.#resources };
    const state = openState({ graphRoot, runRoot, system });
    const snapshots = openSnapshotStore({ config, system });
    const layers = createLayerStore({ state, snapshots, system, graphRoot, workerPath: process.env['SELKIE_TEST_UNPACK_WORKER'] });
    const images = createImageStore({ config, state, layers, snapshots, system, environment: () => this.environment, limits });
    return { images, state, layers, snapshots, [Symbol.dispose]: () => state[Symbol.dispose]() };
  }

  partials(): string[] {
    return this.#list('content/partial');
  }

  blobs(): string[] {
    return this.#list('content/blobs/sha256');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system.files.removeTree(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #list(path: string): string[] {
    try {
      return readdirSync(join(this.graphRoot, path));
    } catch {
      return [];
    }
  }
}

/** Nothing visible, nothing half-way: as before a failed pull. */
export function contentsOf({ state, snapshots }: TestEngine): unknown {
  return {
    images: state.images.list().map(({ id, names }) => ({ id, names })),
    layers: state.layers.list().map(({ chainId }) => chainId),
    snapshots: snapshots.list().map(({ key }) => key),
    operations: state.operations.abandoned().length,
  };
}

export const nothing = { images: [], layers: [], snapshots: [], operations: 0 };

export class ProgressLog {
  readonly items: TransferProgress[] = [];
  readonly add = (progress: TransferProgress): void => {
    this.items.push(progress);
  };

  states(digest: Digest): string[] {
    const states = this.items.flatMap((item) => (item.kind === 'layer' && item.digest === digest ? [item.state] : []));
    return states.filter((state, index) => state !== states[index - 1]);
  }

  warnings(): string[] {
    return this.items.flatMap((item) => (item.kind === 'warning' ? [item.message] : []));
  }
}
