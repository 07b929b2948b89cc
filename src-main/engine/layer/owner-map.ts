import { EngineError } from '../../base/errors.ts';
import type { Identity, IdRange } from '../../system/system.ts';

/** -1 means "leave it" to chown(2), so the last number is no id. */
const maxId = 0xffff_fffe;

/** Checks owners against what this user namespace can write. */
export class OwnerMap {
  readonly #identity: Pick<Identity, 'uidMap' | 'gidMap' | 'rootless' | 'userName'>;
  /** Ids that were checked: images have a handful of owners. */
  readonly #known = new Set<number>();
  readonly #knownGroups = new Set<number>();

  constructor(identity: Pick<Identity, 'uidMap' | 'gidMap' | 'rootless' | 'userName'>) {
    this.#identity = identity;
  }

  /** `unsupported`, naming id and fix, when one of them has no place here. */
  check(uid: number, gid: number): void {
    if (!this.#known.has(uid)) this.#add(this.#known, uid, 'uid', this.#identity.uidMap, '/etc/subuid');
    if (!this.#knownGroups.has(gid)) this.#add(this.#knownGroups, gid, 'gid', this.#identity.gidMap, '/etc/subgid');
  }

  #add(known: Set<number>, id: number, kind: 'uid' | 'gid', map: readonly IdRange[], file: string): void {
    if (id < 0 || id > maxId) throw new EngineError('corrupt', `its ${kind} ${String(id)} is not one`);
    if (map.length > 0 && !map.some(({ containerId, size }) => id >= containerId && id < containerId + size)) {
      const available = map.reduce((sum, { size }) => sum + size, 0);
      throw new EngineError(
        'unsupported',
        `it belongs to ${kind} ${String(id)}, and the user namespace of ${this.#identity.userName} has only ${String(available)} ids`,
        {
          fix: `give ${this.#identity.userName} a range of at least ${String(id + 1)} ids in ${file}, then log in again`,
          details: { [kind]: id, available },
        },
      );
    }
    known.add(id);
  }
}
