/** Joining a container's own process: run, start -a, attach. */
import { isEngineError } from '../../base/errors.ts';
import type { EngineClient } from '../../contract/engine.ts';
import type { AttachedStreams } from './attach-options.ts';
import type { Context } from './context.ts';
import { runSession, terminalSize, type SessionEnd } from './session.ts';

export interface AttachRequest extends AttachedStreams {
  readonly container: string;
  readonly tty: boolean;
  readonly start: boolean;
  readonly sigProxy: boolean;
  readonly detachKeys: string | undefined;
}

/** @returns the exit status; undefined when the user detached */
export async function attachTo(api: EngineClient, request: AttachRequest, context: Context): Promise<number | undefined> {
  const size = request.tty ? terminalSize() : undefined;
  const duplex = api.container.attach({
    container: request.container,
    start: request.start,
    stdin: request.stdin,
    output: request.stdout || request.stderr,
    ...(request.detachKeys === undefined ? {} : { detachKeys: request.detachKeys }),
    ...(size === undefined ? {} : { size }),
  });
  const forward = async (signal: NodeJS.Signals): Promise<void> => {
    await api.container.kill({ container: request.container, signal });
  };
  const end = await runSession(duplex, { ...request, forwardSignal: request.sigProxy ? forward : undefined }, context);
  return statusOf(end);
}

export function statusOf(end: SessionEnd): number | undefined {
  return end.kind === 'detached' ? undefined : end.code;
}

/** A container that could not be started and was to be removed at its end has no end: it is removed now. */
export async function removeFailed(api: EngineClient, container: string): Promise<void> {
  try {
    await api.container.remove({ container, force: true, volumes: true });
  } catch (error) {
    if (!isEngineError(error)) throw error;
  }
}

/** Longer than any clean-up takes; what still is there then is removed by the next engine. */
const removalMs = 10_000;

/** --rm: the name is free again when we end, unless somebody has restarted the container. */
export async function awaitRemoval(api: EngineClient, container: string, context: Context): Promise<void> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(removalMs)]);
  try {
    await api.container.wait({ container, conditions: ['removed', 'running'] }, { signal });
  } catch (error) {
    if (!isEngineError(error) && !signal.aborted) throw error;
  }
}
