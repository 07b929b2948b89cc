import { rmdirSync } from 'node:fs';
import { isEngineError } from '../../base/errors.ts';
import type { Creation } from './creation.ts';
import { notFound } from './creation.ts';
import { mappingName } from './id-mapping.ts';
import type { IdMapping } from './id-mapping.ts';
import { directoryName, keyOf } from './layout.ts';
import type { SnapshotLayout, SnapshotRecord } from './layout.ts';
import { chownTree } from './mapped-copy.ts';
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
 */
export class MappedCopies {
  readonly #options: MappedCopiesOptions;

  constructor(options: MappedCopiesOptions) {
    this.#options = options;
  }

  async ensure(parent: string, source: string, mapping: IdMapping, { signal, onProgress }: MappedCopyOptions): Promise<string> {
    const { layout, system, creation, complete, newLink } = this.#options;
    const key = `${prefixOf(parent)}${mappingName(mapping)}`;
    if (layout.isCommitted(key)) return key;
    using _lock = await system.locks.acquire(`${creation.lockDirectory}/${key}.mapping`, signal === undefined ? {} : { signal });
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
    const { layout, creation } = this.#options;
    const prefix = prefixOf(parent);
    for (const name of layout.names()) {
      if (!name.startsWith(prefix)) continue;
      try {
        await creation.remove(keyOf(name));
      } catch (error) {
        if (!isEngineError(error, 'not-found')) throw error;
      }
    }
  }
}

function prefixOf(parent: string): string {
  return `mapped-${directoryName(parent).replace(/^sha256-/, '')}-`;
}
