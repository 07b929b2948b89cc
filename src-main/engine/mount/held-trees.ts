import { closeSync, constants, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { Lock, System } from '../../system/system.ts';
import type { SnapshotStore } from '../snapshot/snapshot.ts';
import type { State } from '../state/state.ts';

interface HeldTreesOptions {
  readonly state: Pick<State, 'containers' | 'layers' | 'lock' | 'operations'>;
  readonly snapshots: SnapshotStore;
  readonly system: Pick<System, 'files' | 'locks'>;
  readonly runRoot: string;
}

/** Where a tree is mounted, and by how many calls of `mount` that no `unmount` has answered yet. */
interface MountedTree {
  readonly key: string;
  readonly path: string;
  readonly count: number;
}

/**
 * Who needs a snapshot mounted: the container that runs in it, whoever asked for the mount (`mount`, counted until as many `unmount`s; the count is
 * believed only while it is mounted), and engines that read it (`hold`; the kernel takes that back when they die).
 */
export class HeldTrees {
  readonly #options: HeldTreesOptions;
  readonly #counts: string;
  readonly #holders: string;

  constructor(options: HeldTreesOptions) {
    this.#options = options;
    this.#counts = join(options.runRoot, 'mounts');
    this.#holders = join(options.runRoot, 'locks', 'tree');
  }

  /** Mounts it, and counts one more who has asked. Answers where. */
  async mount(key: string): Promise<string> {
    using _lock = await this.#lock(key);
    const { snapshots, system } = this.#options;
    const count = this.count(key);
    const path = snapshots.mount(key, { readOnly: isLayer(key) });
    system.files.ensureDirectory(this.#counts, 0o700);
    system.files.writeAtomically(this.#countFile(key), String(count + 1));
    return path;
  }

  /**
   * Counts one less; with `force` all. At none it is unmounted, unless a container runs in it or an engine reads it. Answers false
   * when nobody had asked for it.
   */
  async unmount(key: string, options: { readonly force: boolean }): Promise<boolean> {
    using _lock = await this.#lock(key);
    const count = this.count(key);
    if (count === 0) return false;
    if (count > 1 && !options.force) this.#options.system.files.writeAtomically(this.#countFile(key), String(count - 1));
    else this.forget(key);
    this.#unmountIfUnused(key);
    return true;
  }

  /** It stays mounted until the disposal. The path leads there whatever happens to the mount point meanwhile. */
  async hold(key: string): Promise<{ readonly path: string } & AsyncDisposable> {
    const { snapshots, system, state } = this.#options;
    system.files.ensureDirectory(this.#holders, 0o700);
    using _lock = await this.#lock(key);
    const operation = state.operations.begin('tree.hold', key);
    const holding = system.locks.tryAcquire(this.#holderFile(key), 'shared');
    try {
      if (!holding) throw new EngineError('in-use', `the tree of ${key} is being taken down`);
      const root = openSync(snapshots.mount(key, { readOnly: isLayer(key) }), constants.O_RDONLY | constants.O_DIRECTORY);
      return {
        path: `/proc/self/fd/${String(root)}`,
        [Symbol.asyncDispose]: () => {
          closeSync(root);
          return this.#release(key, holding, operation);
        },
      };
    } catch (error) {
      holding?.release();
      operation[Symbol.dispose]();
      throw error;
    }
  }

  /** How many have asked for it. */
  count(key: string): number {
    const text = this.#options.system.files.readTextIfExists(this.#countFile(key));
    if (text === undefined || !this.#options.snapshots.isMounted(key)) return 0;
    const count = Number(text);
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  }

  /** Whether it has to stay mounted when its container has ended. The caller holds the container's lock. */
  isNeeded(key: string): boolean {
    return this.count(key) > 0 || this.#isHeld(key);
  }

  /** It goes, whoever had asked for it. The caller holds its lock. */
  forget(key: string): void {
    rmSync(this.#countFile(key), { force: true });
  }

  /** Of everything that `mount` was asked for. */
  list(): MountedTree[] {
    const names = existsSync(this.#counts) ? readdirSync(this.#counts) : [];
    return names.flatMap((name) => {
      const key = name.replace(/^sha256-/, 'sha256:');
      const count = this.count(key);
      return count === 0 ? [] : [{ key, path: this.#options.snapshots.mountPoint(key), count }];
    });
  }

  /** Unmounts what engines that died were reading. */
  async recover(): Promise<readonly string[]> {
    const messages: string[] = [];
    for (const { id, kind, object } of this.#options.state.operations.abandoned()) {
      if (kind !== 'tree.hold') continue;
      using _lock = await this.#lock(object);
      if (this.#options.snapshots.isMounted(object) && this.#unmountIfUnused(object))
        messages.push(`unmounted the tree of ${object.slice(0, 19)}, which an engine had died reading`);
      this.#options.state.operations.remove(id);
    }
    return messages;
  }

  async #release(key: string, holding: Lock, operation: Disposable): Promise<void> {
    using _lock = await this.#lock(key);
    holding.release();
    this.#unmountIfUnused(key);
    operation[Symbol.dispose]();
  }

  /** The caller holds its lock. */
  #unmountIfUnused(key: string): boolean {
    if (this.isNeeded(key) || this.#isRunning(key)) return false;
    this.#options.snapshots.unmount(key);
    rmSync(this.#holderFile(key), { force: true });
    return true;
  }

  #isRunning(key: string): boolean {
    const container = isLayer(key) ? undefined : this.#options.state.containers.list().find(({ id }) => id === key);
    return container !== undefined && container.pid > 0;
  }

  #isHeld(key: string): boolean {
    const file = this.#holderFile(key);
    if (!existsSync(file)) return false;
    using lock = this.#options.system.locks.tryAcquire(file);
    return lock === undefined;
  }

  #lock(key: string): Promise<Lock> {
    return this.#options.state.lock(isLayer(key) ? 'layer' : 'container', key);
  }

  #countFile(key: string): string {
    return join(this.#counts, fileName(key));
  }

  #holderFile(key: string): string {
    return join(this.#holders, fileName(key));
  }
}

function isLayer(key: string): boolean {
  return key.startsWith('sha256:');
}

function fileName(key: string): string {
  return key.replace(':', '-');
}
