import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import type { OperationRecord, State, VolumeRecord } from '../state/state.ts';
import { copyTree } from './copy-tree.ts';

interface VolumeAdoptionOptions {
  readonly state: State;
  readonly system: System;
  /** GRAPHROOT/volumes */
  readonly directory: string;
  readonly folderOf: (name: string) => string;
  /** Under the volume's lock. */
  readonly insert: (name: string) => VolumeRecord;
}

/** Copies are made in a folder that no name leads to, and get their name by one rename. */
export class VolumeAdoption {
  readonly #options: VolumeAdoptionOptions;

  constructor(options: VolumeAdoptionOptions) {
    this.#options = options;
  }

  async run(name: string, source: string, signal: AbortSignal | undefined): Promise<VolumeRecord> {
    const { state, system, directory, folderOf, insert } = this.#options;
    using _lock = await state.lock('volume', name, signal);
    if (state.volumes.find(name) !== undefined || existsSync(folderOf(name))) throw nameTaken(name);
    system.files.ensureDirectory(directory, 0o711);
    const folder = `.adopted-${randomBytes(8).toString('hex')}`;
    const operation = state.operations.begin('volume.adopt', name, { folder });
    operation.keep();
    try {
      await this.#copy(source, join(directory, folder), signal);
      move(join(directory, folder), folderOf(name));
      system.files.syncDirectory(directory);
      return state.transaction(() => {
        state.operations.remove(operation.id);
        return insert(name);
      });
    } catch (error) {
      await this.#takeBack(name, folder, operation.id);
      throw isEngineError(error) ? error.within(`volume ${name}`) : error;
    }
  }

  /** Under the volume's lock, as long as there is no record. What cannot be done is done by the next engine. */
  async #takeBack(name: string, folder: string, operationId: number): Promise<void> {
    const { state, system, directory, folderOf } = this.#options;
    try {
      if (existsSync(folderOf(name))) move(folderOf(name), join(directory, folder));
      await system.files.removeTree(join(directory, folder));
      state.operations.remove(operationId);
    } catch (error) {
      // The reason of the failure says more.
      if (!isEngineError(error)) throw error;
    }
  }

  async #copy(source: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
    const { system } = this.#options;
    const data = join(folder, '_data');
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const descriptor = withErrno('open', source, () => openSync(source, flags));
    try {
      system.files.ensureDirectory(folder, 0o755);
      system.files.ensureDirectory(data, 0o755);
      await copyTree(system, descriptor, data, join(folder, 'copying'), signal);
    } finally {
      closeSync(descriptor);
    }
  }

  async recover(): Promise<string[]> {
    const { state } = this.#options;
    const done: string[] = [];
    for (const operation of state.operations.abandoned()) {
      if (operation.kind !== 'volume.adopt') continue;
      try {
        done.push(await this.#repair(operation));
        state.operations.remove(operation.id);
      } catch (error) {
        done.push(`the import of volume ${operation.object}, which was interrupted, could not be taken back: ${messageOf(error)}`);
      }
    }
    return done;
  }

  /** The rename tells whether the copy was whole. */
  async #repair({ object: name, details }: OperationRecord): Promise<string> {
    const { state, system, directory, folderOf, insert } = this.#options;
    const folder = String(details['folder']);
    using _lock = await state.lock('volume', name);
    if (/^\.adopted-[0-9a-f]{16}$/.test(folder)) await system.files.removeTree(join(directory, folder));
    if (!existsSync(folderOf(name)) || state.volumes.find(name)) return `took back the import of volume ${name}, which was interrupted`;
    insert(name);
    return `finished the import of volume ${name}, which was interrupted`;
  }
}

function move(from: string, to: string): void {
  withErrno('move', from, () => {
    renameSync(from, to);
  });
}

function nameTaken(name: string): EngineError {
  return new EngineError('already-exists', `volume with name ${name} already exists: volume already exists`, {
    fix: 'remove or rename the one that there is',
    details: { field: 'name' },
  });
}
