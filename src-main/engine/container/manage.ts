import { EngineError } from '../../base/errors.ts';
import type { ContainerRecord } from '../state/state.ts';
import { handleExit } from './after-exit.ts';
import { keepThroughEnd } from './keep.ts';
import { removeLocked } from './remove.ts';
import { appendEvent, isActive, type Room } from './room.ts';
import type { Restarts } from './restarts.ts';
import { startContainer } from './start.ts';
import { stopContainer } from './stop.ts';

export interface RemoveOptions {
  readonly force: boolean;
  readonly volumes: boolean;
  readonly timeoutSeconds: number | undefined;
  /** Keep it for a while instead of deleting it. */
  readonly trash?: boolean;
}

/** With force a running one is stopped first. Answers the record as it was. */
export async function removeContainer(room: Room, restarts: Restarts, nameOrId: string, options: RemoveOptions): Promise<ContainerRecord> {
  const before = room.state.containers.resolve(nameOrId);
  await handleExit(room, restarts, before.id);
  if (options.force) await stopContainer(room, restarts, before.id, options.timeoutSeconds).catch(ignoreGone);
  using _lock = await room.state.lock('container', before.id);
  const record = room.state.containers.find(before.id);
  // `--rm`: its exit has removed it, with its volumes.
  if (!record) {
    if (options.force || before.config.spec.remove) return before;
    throw new EngineError('not-found', `no container with name or ID "${nameOrId}" found: no such container`);
  }
  if (isActive(record)) {
    throw new EngineError(
      'wrong-state',
      `cannot remove container ${record.id} as it is ${record.state} - running or paused containers cannot be removed without force: container state improper`,
      { fix: `stop it first, or use \`selkie rm --force ${record.name}\``, details: { state: record.state } },
    );
  }
  await removeLocked(room, record, { volumes: options.volumes, trash: options.trash === true });
  return record;
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
}

export async function restartContainer(
  room: Room,
  restarts: Restarts,
  nameOrId: string,
  timeoutSeconds: number | undefined,
  signal?: AbortSignal,
): Promise<ContainerRecord> {
  const { id } = room.state.containers.resolve(nameOrId);
  using keeping = keepThroughEnd(room, id);
  await stopContainer(room, restarts, id, timeoutSeconds, signal);
  // Before its process begins: the end of that is one that removes again.
  const beforeRun = (): Promise<void> => {
    keeping[Symbol.dispose]();
    return Promise.resolve();
  };
  const { record } = await startContainer(room, id, { beforeRun });
  room.state.transaction(() => appendEvent(room, record, 'restart'));
  return record;
}

export async function renameContainer(room: Room, nameOrId: string, name: string): Promise<ContainerRecord> {
  const { id } = room.state.containers.resolve(nameOrId);
  using _lock = await room.state.lock('container', id);
  return room.state.transaction(() => {
    const before = room.state.containers.get(id);
    const record = room.state.containers.update(id, { name });
    appendEvent(room, record, 'rename', { attributes: { oldName: before.name } });
    return record;
  });
}
