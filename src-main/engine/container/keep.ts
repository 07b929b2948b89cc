import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { disposable } from '../../base/disposable.ts';
import type { ContainerId } from '../../contract/ids.ts';
import type { ContainerRecord } from '../state/state.ts';
import type { Room } from './room.ts';

/**
 * Until it is disposed, the end of a container of --rm does not remove it, whichever engine handles that: it is being restarted. The mark names
 * this process; when that dies, it means nothing any more.
 */
export function keepThroughEnd(room: Room, id: ContainerId): Disposable {
  const { files } = room.system;
  files.ensureDirectory(room.paths.directory(id), 0o700);
  files.writeAtomically(
    mark(room, id),
    `${process.pid} ${room.system.processes.startTime(process.pid) ?? 0} ${room.system.identity.bootId}`,
  );
  return disposable(() => rmSync(mark(room, id), { force: true }));
}

/** Whether its end is to remove it. */
export function isRemovedAtEnd(room: Room, record: ContainerRecord): boolean {
  return record.config.spec.remove && !isKept(room, record.id);
}

function isKept(room: Room, id: ContainerId): boolean {
  const [pid, startTime, bootId] = room.system.files.readTextIfExists(mark(room, id))?.split(' ') ?? [];
  if (pid === undefined || bootId !== room.system.identity.bootId) return false;
  return room.system.processes.startTime(Number(pid)) === Number(startTime);
}

function mark(room: Room, id: ContainerId): string {
  return join(room.paths.directory(id), 'restarting');
}
