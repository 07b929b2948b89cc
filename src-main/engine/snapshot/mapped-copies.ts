import { existsSync, rmdirSync, writeFileSync } from 'node:fs';
import { isEngineError } from '../../base/errors.ts';
import type { Creation } from './creation.ts';
import { notFound } from './creation.ts';
import { mappingName } from './id-mapping.ts';
import type { IdMapping } from './id-mapping.ts';
import { directoryName, keyOf } from './layout.ts';
import type { SnapshotLayout, SnapshotRecord } from './layout.ts';
import { chownTree } from './mapped-copy.ts';
import { listSnapshots } from './records.ts';
import type { MappedCopyOptions, SnapshotSystem } from './snapshot.ts';
import { copyTree } from './vfs/copy-tree.ts';

export interface MappedCopiesOptions {
  readonly layout: SnapshotLayout;
  readonly system: Pick<SnapshotSystem, 'attributes' | 'files' | 'locks' | 'processes'>;
  readonly creation: Creation;
  /** The record of one that is whole, which needs nothing of what is below. */
  readonly complete: (key: string, draft: SnapshotRecord) => SnapshotRecord;
  readonly newLink: () => string;
}

/**
 * Whole copies of layers with other owners, for containers with a user namespace where mounts cannot translate. Called by layer and map, so that
 * containers of the same map share one. What a death leaves is a snapshot without its commit: the next attempt and the sweep take it away.
 * One whose layer got other files since is *outdated*: containers that lie on it keep it, and no other gets it.
 */
export class MappedCopies {
  readonly #options: MappedCopiesOptions;

  constructor(options: MappedCopiesOptions) {
    this.#options = options;
  }

  async ensure(parent: string, source: string, mapping: IdMapping, { signal, onProgress }: MappedCopyOptions): Promise<string> {
    const { layout, system, creation, complete, newLink } = this.#options;
    const wanted = `${prefixOf(parent)}${mappingName(mapping)}`;
    const there = this.#current(wanted);
    if (layout.isCommitted(there)) return there;
    using _lock = await system.locks.acquire(`${creation.lockDirectory}/${wanted}.mapping`, signal === undefined ? {} : { signal });
    await this.#removeOutdated(parent);
    const key = this.#current(wanted);
    if (layout.isCommitted(key)) return key;
    const diff = await creation.begin(key, parent, newLink());
    try {
      rmdirSync(diff);
      await copyTree(source, diff, system.processes);
      await chownTree(diff, mapping, { attributes: system.attributes, signal, onProgress });
      await creation.commit(key, async (draft) => {
        await creation.syncData(diff);
        return { ...complete(key, draft), mappedBy: mapping };
      });
    } catch (error) {
      await creation.remove(key);
      throw layout.isCommitted(parent) ? error : notFound(parent);
    }
    return key;
  }

  async removeOf(parent: string): Promise<void> {
    for (const key of this.#of(parent)) {
      try {
        await this.#options.creation.remove(key);
      } catch (error) {
        if (!isEngineError(error, 'not-found')) throw error;
      }
    }
  }

  /** Of a layer that is about to get other files: its copies, and those of the layers upon it, which have the old ones in them. */
  outdate(key: string): void {
    const { layout } = this.#options;
    const parents = new Map(listSnapshots(layout).map((entry) => [entry.key, entry.parent]));
    for (const copy of parents.keys()) {
      if (!copy.startsWith('mapped-')) continue;
      const seen = new Set<string>();
      for (let at = parents.get(copy); at !== undefined && !seen.has(at); at = parents.get(at)) {
        seen.add(at);
        if (at === key) writeFileSync(markOf(layout, copy), '', { mode: 0o600 });
      }
    }
  }

  /** The first of the names for it that is free, or under which there is a copy as its layer is now. */
  #current(wanted: string): string {
    const { layout } = this.#options;
    for (let number = 1; ; number += 1) {
      const key = number === 1 ? wanted : `${wanted}-${String(number)}`;
      if (!layout.isCommitted(key) || (layout.isIntact(key) && !existsSync(markOf(layout, key)))) return key;
    }
  }

  /** As far as no container lies on them. */
  async #removeOutdated(parent: string): Promise<void> {
    const { layout, creation } = this.#options;
    for (const key of this.#of(parent)) {
      if (!existsSync(markOf(layout, key))) continue;
      try {
        await creation.remove(key);
      } catch (error) {
        if (!isEngineError(error, 'in-use') && !isEngineError(error, 'not-found')) throw error;
      }
    }
  }

  #of(parent: string): string[] {
    const prefix = prefixOf(parent);
    return this.#options.layout.names().flatMap((name) => (name.startsWith(prefix) ? [keyOf(name)] : []));
  }
}

function markOf(layout: SnapshotLayout, key: string): string {
  return `${layout.directory(key)}/outdated`;
}

function prefixOf(parent: string): string {
  return `mapped-${directoryName(parent).replace(/^sha256-/, '')}-`;
}
