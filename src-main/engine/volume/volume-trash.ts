import { existsSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError, messageOf } from '../../base/errors.ts';
import { errnoOf, withErrno } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import type { OperationRecord, State, TrashRecord, VolumeRecord } from '../state/state.ts';

export interface VolumeTrashOptions {
  readonly state: State;
  readonly system: Pick<System, 'files'>;
  readonly graphRoot: string;
  /** GRAPHROOT/volumes/NAME */
  readonly folderOf: (name: string) => string;
}

type VolumeEntry = TrashRecord & { readonly kind: 'volume' };

/** Removed volumes, each whole in GRAPHROOT/trash/ID. */
export class VolumeTrash {
  readonly #state: State;
  readonly #system: Pick<System, 'files'>;
  readonly #directory: string;
  readonly #folderOf: (name: string) => string;

  constructor({ state, system, graphRoot, folderOf }: VolumeTrashOptions) {
    this.#state = state;
    this.#system = system;
    this.#directory = join(graphRoot, 'trash');
    this.#folderOf = folderOf;
  }

  path(trashId: string): string {
    return join(this.#directory, trashId);
  }

  /** After the record has gone into the trash. Gone already: no error. */
  moveIn(name: string, trashId: string): void {
    this.#system.files.ensureDirectory(this.#directory, 0o700);
    const folder = this.#folderOf(name);
    if (!existsSync(folder)) return;
    this.#move(folder, this.path(trashId));
  }

  /** The folder first: under a name without a record it is found and adopted by whoever comes before us. */
  async restore(trashId: string, otherName: string | undefined): Promise<VolumeRecord> {
    const { name: ownName } = this.#entry(trashId);
    const name = otherName ?? ownName;
    using _lock = await this.#state.lock('volume', name);
    const entry = this.#entry(trashId);
    if (this.#state.volumes.find(name)) throw nameTaken(name, trashId);
    const folder = this.#folderOf(name);
    if (!existsSync(this.path(trashId))) throw lost(entry);
    using operation = this.#state.operations.begin('volume.restore', name, { trashId });
    this.#system.files.ensureDirectory(dirname(folder), 0o711);
    removeIfEmpty(folder);
    this.#move(this.path(trashId), folder);
    operation.keep();
    const record = this.#insert(entry, name);
    this.#state.operations.remove(operation.id);
    return record;
  }

  async discard(trashId: string): Promise<void> {
    const entry = this.#state.trash.find(trashId);
    if (entry?.kind !== 'volume') return;
    using operation = this.#state.operations.begin('trash.empty', trashId, { kind: 'volume' });
    this.#state.trash.remove(trashId);
    operation.keep();
    await this.#system.files.removeTree(this.path(trashId));
    this.#state.operations.remove(operation.id);
  }

  async recover(): Promise<string[]> {
    const done: string[] = [];
    for (const operation of this.#state.operations.abandoned()) {
      const { trashId } = operation.details;
      const isOurs =
        (operation.kind === 'volume.remove' && typeof trashId === 'string') ||
        operation.kind === 'volume.restore' ||
        (operation.kind === 'trash.empty' && operation.details['kind'] === 'volume');
      if (!isOurs) continue;
      try {
        const message = await this.#repair(operation, typeof trashId === 'string' ? trashId : operation.object);
        this.#state.operations.remove(operation.id);
        if (message !== undefined) done.push(message);
      } catch (error) {
        done.push(`${operation.kind} of ${operation.object}, which was interrupted, could not be repaired: ${messageOf(error)}`);
      }
    }
    return done;
  }

  async #repair(operation: OperationRecord, trashId: string): Promise<string | undefined> {
    const { object: name, kind } = operation;
    if (kind === 'trash.empty') {
      if (this.#state.trash.find(trashId)) return undefined;
      await this.#system.files.removeTree(this.path(trashId));
      return `finished deleting a volume in the trash, which was interrupted`;
    }
    using _lock = await this.#state.lock('volume', name);
    const entry = this.#state.trash.find(trashId);
    if (entry?.kind !== 'volume') return undefined;
    if (kind === 'volume.remove') return this.#finishRemove(entry);
    // Whether the rename has happened tells which of the two is to be believed.
    if (existsSync(this.path(trashId))) return `volume ${name} is still in the trash: its restoration was interrupted`;
    if (this.#state.volumes.find(name)) return this.#forget(entry);
    this.#insert(entry, name);
    return `finished the restoration of volume ${name}, which was interrupted`;
  }

  #finishRemove(entry: VolumeEntry): string | undefined {
    if (existsSync(this.path(entry.id))) return undefined;
    if (this.#state.volumes.find(entry.name)) return this.#forget(entry);
    this.moveIn(entry.name, entry.id);
    return `finished the removal of volume ${entry.name}, which was interrupted`;
  }

  /** A volume that was made meanwhile has taken over the folder with all that is in it. */
  #forget(entry: VolumeEntry): string {
    this.#state.trash.remove(entry.id);
    return `volume ${entry.name} was made again before its removal was finished: it has its old data`;
  }

  #insert(entry: VolumeEntry, name: string): VolumeRecord {
    const record: VolumeRecord = { ...entry.record, name };
    this.#state.transaction(() => {
      this.#state.volumes.insert(record);
      this.#state.trash.remove(entry.id);
      this.#state.events.append({ type: 'volume', status: 'restore', id: name, name });
    });
    return record;
  }

  #entry(trashId: string): VolumeEntry {
    const entry = this.#state.trash.find(trashId);
    if (entry?.kind !== 'volume') throw new EngineError('not-found', `there is no volume ${trashId} in the trash`);
    return entry;
  }

  #move(from: string, to: string): void {
    withErrno('move', from, () => renameSync(from, to));
    for (const path of [from, to]) this.#system.files.syncDirectory(dirname(path));
  }
}

function nameTaken(name: string, trashId: string): EngineError {
  return new EngineError('already-exists', `there is another volume ${name} meanwhile`, {
    fix: `bring it back under another name: selkie trash restore --name NEW ${trashId}`,
    details: { field: 'name' },
  });
}

function lost({ id, name }: VolumeEntry): EngineError {
  return new EngineError('corrupt', `the data of volume ${name} is not in the trash any more`, {
    fix: `forget it: selkie trash empty ${id}`,
  });
}

/** rename(2) replaces an empty folder; what a person put there stays, and the rename says so. */
function removeIfEmpty(folder: string): void {
  try {
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
