/**
 * Where an engine runs: in this process, or in a worker; and the sandbox that it needs around it.
 *
 * Terms. The *sandbox* of a rootless user is one user and mount namespace (0 inside is the user, 1 and up are the ids from
 * /etc/subuid and /etc/subgid); of root on a host with hybrid cgroups, one mount namespace without the v2 part. Anywhere else there is none.
 * The *pause process* holds it (catatonit, under 1 MB) and is recorded with its start time in TMPDIR/pause.pid.
 *
 * Laws
 * - One sandbox per user and tmp folder: engines that start at once join the same one, or they would not see each other's mounts.
 * - Whether we are inside is told by ids and namespaces, never by the environment.
 * - A pid alone is nobody: a recorded process is believed only with its start time, its owner and its namespaces.
 * - A killed pause process ends no container: the namespaces of a conmon that still lives are held again.
 * - The pause process stays when engines end; it belongs to the user's containers, which do too.
 */
import type { EngineClient } from '../contract/engine.ts';
import type { EngineOptions } from '../engine/config/config.ts';
import type { WorkerEngine, WorkerRequest } from './open-worker.ts';

export interface LaunchedEngine {
  readonly api: EngineClient;
  readonly greeting: { readonly engine: string; readonly capabilities: readonly string[] };
  /** Resolves when the engine has ended, for whatever reason. */
  readonly closed: Promise<void>;
  /** Ends it and waits until it has. Containers go on. */
  close(): Promise<void>;
}

export { enterSandbox, type EnterRequest } from './enter-sandbox.ts';
export { openInProcess, type InProcessEngine, type InProcessRequest } from './open-in-process.ts';
export type { WorkerEngine, WorkerRequest } from './open-worker.ts';
export { parseGlobalArguments } from './global-arguments.ts';
export { isOutsideOfSandbox, runInSandbox } from './run-in-sandbox.ts';
export { resourcesDirectory } from './install-paths.ts';
export { prepareLimits } from './open-in-process.ts';

/** See open-worker.ts, which is loaded here: the command line never needs it. */
export async function openWorker(request: WorkerRequest): Promise<WorkerEngine> {
  const late = await import('./open-worker.ts');
  return late.openWorker(request);
}

/** See end-sandbox.ts. */
export async function endSandbox(options: EngineOptions): Promise<boolean> {
  const late = await import('./end-sandbox.ts');
  return late.endSandbox(options);
}
