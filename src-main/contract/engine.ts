/**
 * THE boundary: everything that a host can ask of an engine, as schemas. A change here is a change for the window, the
 * browser, the CLI and the tests at once; raise `version` when an older peer would misunderstand.
 */
import type { Client, Contract, Handlers } from '../rpc/rpc.ts';
import { containerRoutes } from './container.ts';
import { eventRoutes } from './event.ts';
import { imageRoutes } from './image.ts';
import { manifestRoutes } from './manifest.ts';
import { registryRoutes } from './registry.ts';
import { systemRoutes } from './system.ts';
import { trashRoutes } from './trash.ts';
import { trustRoutes } from './trust.ts';
import { volumeRoutes } from './volume.ts';

export const engineContract = {
  version: '1',
  routes: {
    container: containerRoutes,
    image: imageRoutes,
    manifest: manifestRoutes,
    volume: volumeRoutes,
    event: eventRoutes,
    system: systemRoutes,
    registry: registryRoutes,
    trash: trashRoutes,
    trust: trustRoutes,
  },
} satisfies Contract;

export type EngineContract = typeof engineContract;
export type EngineClient = Client<EngineContract>;
export type EngineHandlers = Handlers<EngineContract>;
