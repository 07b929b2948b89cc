/**
 * The contract, answered: one file per noun, each calling rooms and mapping types. No logic of its own: a rule that stands
 * here would be missing for whoever calls the room.
 */
import type { EngineHandlers } from '../../contract/engine.ts';
import { containerHandlers } from './container-service.ts';
import { eventHandlers } from './event-service.ts';
import { imageHandlers } from './image-service.ts';
import { manifestHandlers } from './manifest-service.ts';
import { registryHandlers } from './registry-service.ts';
import type { Rooms } from './rooms.ts';
import { systemHandlers } from './system-service.ts';
import { trashHandlers } from './trash-service.ts';
import { trustHandlers } from './trust-service.ts';
import { volumeHandlers } from './volume-service.ts';

export type { Rooms } from './rooms.ts';

export function createHandlers(rooms: Rooms): EngineHandlers {
  return {
    container: containerHandlers(rooms),
    image: imageHandlers(rooms),
    manifest: manifestHandlers(rooms),
    volume: volumeHandlers(rooms),
    event: eventHandlers(rooms),
    system: systemHandlers(rooms),
    registry: registryHandlers(rooms),
    trash: trashHandlers(rooms),
    trust: trustHandlers(rooms),
  };
}
