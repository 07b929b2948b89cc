import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { safeParse } from 'valibot';
import { EngineError, isEngineError } from '../../base/errors.ts';
import { objectName } from '../../contract/ids.ts';
import { errnoOf, withErrno } from '../../system/errno.ts';
import type { System } from '../../system/system.ts';
import type { EngineConfig } from '../config/config.ts';
import { newTrashId, type State, type VolumeRecord } from '../state/state.ts';
import { VolumeAdoption } from './adopt-volume.ts';
import { copyTree } from './copy-tree.ts';
import { VolumeTrash } from './volume-trash.ts';
import type { VolumeStore } from './volume.ts';

export interface VolumeStoreOptions {
  readonly config: Pick<EngineConfig, 'graphRoot'>;
  readonly state: State;
  readonly system: System;
}

/** Removed volumes on their way out; a volume's name cannot begin with a dot. */
const removedPrefix = '.removed-';

export function createVolumeStore({ config, state, system }: VolumeStoreOptions): VolumeStore {
  const directory = join(config.graphRoot, 'volumes');
  const folderOf = (name: string): string => join(directory, checkName(name));
  const dataOf = (name: string): string => join(folderOf(name), '_data');
  /** `started` or `done`, beside the data. */
  const copyMarkOf = (name: string): string => join(folderOf(name), 'copy-up');

  /** Under the volume's lock. */
  function insert(name: string, labels: Readonly<Record<string, string>>, anonymous: boolean): VolumeRecord {
    system.files.ensureDirectory(directory, 0o711);
    system.files.ensureDirectory(dataOf(name), 0o755);
    const record: VolumeRecord = { name, createdAt: system.clock.nowMs(), labels, anonymous };
    state.transaction(() => {
      state.volumes.insert(record);
      state.events.append({ type: 'volume', status: 'create', id: name, name });
    });
    return record;
  }

  function checkUnused(name: string): void {
    // One that is being removed never runs again, and takes its anonymous volumes along before its record goes.
    const users = state.containers
      .list()
      .filter((record) => record.state !== 'removing' && record.config.mounts.some((mount) => mount.volumeName === name));
    if (users.length === 0) return;
    throw new EngineError(
      'in-use',
      `volume ${name} is being used by ${users.map((user) => `container ${user.name} (${user.id.slice(0, 12)})`).join(', ')}`,
      {
        fix: 'remove these containers first',
        details: { containers: users.map((user) => user.id) },
      },
    );
  }

  const trash = new VolumeTrash({ state, system, graphRoot: config.graphRoot, folderOf });
  const adoption = new VolumeAdoption({ state, system, directory, folderOf, insert: (name) => insert(name, {}, false) });

  function noSuchVolume(name: string): EngineError {
    return new EngineError('not-found', `no volume with name ${JSON.stringify(name)} found: no such volume`, { details: { name } });
  }

  /** Under the volume's lock. The name is free when the transaction has ended; until the rename has, its folder would be adopted, and nothing is lost. */
  function removeToTrash(name: string): void {
    const trashId = newTrashId();
    using operation = state.operations.begin('volume.remove', name, { trashId });
    state.transaction(() => {
      checkUnused(name);
      const record = state.volumes.find(name);
      if (record === undefined) throw noSuchVolume(name);
      state.volumes.remove(name);
      state.events.append({ type: 'volume', status: 'remove', id: name, name });
      const removedAt = Math.round(system.clock.nowMs());
      state.trash.insert({ id: trashId, kind: 'volume', object: name, name, removedAt, sizeBytes: undefined, record });
    });
    operation.keep();
    trash.moveIn(name, trashId);
    state.operations.remove(operation.id);
  }

  /** Also what a crashed removal has left. */
  async function deleteRemoved(): Promise<void> {
    for (const entry of readdirSync(directory)) if (entry.startsWith(removedPrefix)) await system.files.removeTree(join(directory, entry));
  }

  return {
    path: dataOf,
    find: (name) => state.volumes.find(name),
    list: () => state.volumes.list(),

    async ensure(wanted, options = {}) {
      const name = wanted === '' ? randomBytes(32).toString('hex') : checkName(wanted);
      using _lock = await state.lock('volume', name);
      const known = state.volumes.find(name);
      if (known === undefined) return insert(name, options.labels ?? {}, options.anonymous ?? wanted === '');
      system.files.ensureDirectory(dataOf(name), 0o755);
      return known;
    },

    async create(name, labels) {
      checkName(name);
      using _lock = await state.lock('volume', name);
      // Says so before a folder is made.
      if (state.volumes.find(name) !== undefined) throw alreadyExists(name);
      return insert(name, labels, false);
    },

    async remove(name, options = {}) {
      const folder = folderOf(name);
      using _lock = await state.lock('volume', name);
      if (state.volumes.find(name) === undefined) throw noSuchVolume(name);
      system.files.ensureDirectory(directory, 0o711);
      if (options.trash === true) {
        removeToTrash(name);
        return;
      }
      state.transaction(() => {
        checkUnused(name);
        state.volumes.remove(name);
        state.events.append({ type: 'volume', status: 'remove', id: name, name });
        // Inside: if the folder cannot be moved, nothing has happened.
        moveAside(folder, join(directory, `${removedPrefix}${name}-${randomBytes(4).toString('hex')}`));
      });
      await deleteRemoved();
    },

    restore: (trashId, name) => trash.restore(trashId, name === undefined ? undefined : checkName(name)),
    discard: (trashId) => trash.discard(trashId),
    trashPath: (trashId) => trash.path(trashId),
    adopt: (name, source, signal) => adoption.run(checkName(name), source, signal),
    recover: async () => [...(await trash.recover()), ...(await adoption.recover())],

    async populate(name, imageDirectory, pathInImage) {
      const data = dataOf(name);
      using _lock = await state.lock('volume', name);
      const mark = system.files.readTextIfExists(copyMarkOf(name));
      if (mark === 'done') return;
      const source = openSource(system, imageDirectory, pathInImage);
      if (source === undefined) return;
      try {
        if (mark === 'started' || withErrno('read', data, () => readdirSync(data)).length === 0) {
          system.files.writeDurably(copyMarkOf(name), 'started');
          await copyTree(system, source, data, join(folderOf(name), 'copying'));
        }
        system.files.writeDurably(copyMarkOf(name), 'done');
      } catch (error) {
        if (isEngineError(error)) throw error.within(`volume ${name}: copy what the image has at ${pathInImage ?? imageDirectory}`);
        throw error;
      } finally {
        closeSync(source);
      }
    },
  };
}

function alreadyExists(name: string): EngineError {
  return new EngineError('already-exists', `volume with name ${name} already exists: volume already exists`, {
    fix: 'choose another name, or use the volume that there is',
    details: { field: 'name' },
  });
}

function checkName(name: string): string {
  const parsed = safeParse(objectName, name);
  if (parsed.success) return name;
  throw new EngineError('invalid-argument', `volume name ${JSON.stringify(name.slice(0, 300))}: ${parsed.issues[0].message}`, {
    details: { field: 'name' },
  });
}

/** Gone already: no error. */
function moveAside(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT')
      withErrno('move', from, () => {
        throw error;
      });
  }
}

/** A descriptor of the folder in the image, or undefined when there is no folder. */
function openSource(system: System, imageDirectory: string, pathInImage: string | undefined): number | undefined {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  try {
    if (pathInImage !== undefined) return system.attributes.openInRoot(imageDirectory, pathInImage, flags);
    return withErrno('open', imageDirectory, () => openSync(imageDirectory, flags | constants.O_NOFOLLOW));
  } catch (error) {
    if (isEngineError(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(error.details['errno']))) return undefined;
    throw error;
  }
}
