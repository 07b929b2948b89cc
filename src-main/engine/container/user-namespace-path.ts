/** --userns ns:PATH: a user namespace that somebody else made. */
import { closeSync, constants, openSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { EngineError, isEngineError, messageOf } from '../../base/errors.ts';
import { withErrno } from '../../system/errno.ts';
import type { ContainerUserNamespace } from '../state/state.ts';
import type { IdMaps } from './id-maps.ts';
import type { Room } from './room.ts';

/** Its maps, which decide whose files the container's are. Errors: `invalid-argument`, with its field. */
export async function mapsOfPath(room: Room, path: string): Promise<IdMaps> {
  const details = { details: { field: 'userns', path } };
  if (!isAbsolute(path))
    throw new EngineError('invalid-argument', `--userns ns:${path}: the path has to be absolute`, {
      fix: 'write --userns ns:/proc/PID/ns/user',
      ...details,
    });
  let maps: IdMaps;
  try {
    maps = await room.system.namespaces.userMapsOf(path);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    throw new EngineError(error.code, `--userns ns:${path} cannot be joined: ${messageOf(error)}`, {
      fix: 'it has to be a user namespace below your own, as in /proc/PID/ns/user of a process that runs in one',
      cause: error,
      ...details,
    });
  }
  if (maps.uids.length > 0 && maps.gids.length > 0) return maps;
  throw new EngineError('invalid-argument', `--userns ns:${path}: nobody has given that user namespace any ids`, {
    fix: 'write its uid_map and gid_map first',
    ...details,
  });
}

/** Open, for the runtime; by now it has to have the ids that the container's files were made for. Errors: `wrong-state`. */
export async function openPath(
  room: Room,
  { uids, gids }: ContainerUserNamespace,
  path: string,
): Promise<{ readonly descriptor: number } & Disposable> {
  const now = await mapsOfPath(room, path);
  if (JSON.stringify([now.uids, now.gids].map(words)) !== JSON.stringify([uids, gids].map(words)))
    throw new EngineError('wrong-state', `the user namespace at ${path} has other ids than when the container was created`, {
      fix: 'create the container anew',
      details: { path },
    });
  const descriptor = withErrno('open', path, () => openSync(path, constants.O_RDONLY));
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

function words(ranges: IdMaps['uids']): readonly (readonly number[])[] {
  return ranges.map(({ containerId, hostId, size }) => [containerId, hostId, size]);
}
