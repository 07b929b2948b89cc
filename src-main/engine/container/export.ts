import { EngineError } from '../../base/errors.ts';
import { writeTreeTar } from '../tree/tree.ts';
import type { Room } from './room.ts';

/** The whole tree as it is now, running or not, without what is mounted into it. */
export async function* exportContainer(room: Room, nameOrId: string, signal: AbortSignal): AsyncGenerator<Buffer<ArrayBuffer>> {
  const { id, name, config } = room.state.containers.resolve(nameOrId);
  await using held = await room.trees.hold(id);
  yield* writeTreeTar(held.path, { attributes: room.system.attributes, signal, owners: config.userNamespace });
  const now = room.state.containers.find(id);
  if (!now || now.state === 'removing')
    throw new EngineError('wrong-state', `container ${name} (${id.slice(0, 12)}) was removed while it was being exported`);
}
