import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import type { SpawnedProcess, System } from '../../system/system.ts';
import type { OciRuntime } from '../runtime/runtime.ts';
import { runtimeLog } from './arguments.ts';
import type { SyncMessage } from './sync-pipe.ts';

export type MonitorSystem = Pick<System, 'files' | 'identity' | 'processes' | 'sockets'>;

export interface MonitorContext {
  readonly system: MonitorSystem;
  readonly runtime: OciRuntime;
  readonly path: string;
}

/** What conmon, the runtime and the clean-up program may need of our surroundings; nothing of it reaches a container. */
const handedOn =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_ALL|TMPDIR|XDG_[A-Z_]+|DBUS_SESSION_BUS_ADDRESS|CONTAINERS_[A-Z_]+|REGISTRY_AUTH_FILE|SELKIE_[A-Z_]+)$/;

export interface StartedConmon {
  readonly process: SpawnedProcess;
  readonly pipe: SpawnedProcess['pipes'][number];
}

/** Starts conmon with the sync pipe as descriptor 3 and, for an exec that is attached, start and attach pipes as 4 and 5. */
export function startConmon(
  context: MonitorContext,
  args: readonly string[],
  log: string,
  options: { readonly held?: boolean },
): StartedConmon {
  const environment: Record<string, string> = { _OCI_SYNCPIPE: '3' };
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined && handedOn.test(name)) environment[name] = value;
  if (options.held === true) Object.assign(environment, { _OCI_STARTPIPE: '4', _OCI_ATTACHPIPE: '5' });
  const stderr = openSync(log, 'a', 0o600);
  try {
    const started = context.system.processes.spawn(context.path, args, {
      environment,
      stdio: ['ignore', 'ignore', stderr, 'pipe', ...(options.held === true ? (['pipe', 'pipe'] as const) : [])],
      // It makes a session of its own at once; until then we have to see it end.
      brief: true,
    });
    const pipe = started.pipes[3];
    if (!pipe) throw new EngineError('internal', 'the sync pipe is missing');
    return { process: started, pipe };
  } finally {
    closeSync(stderr);
  }
}

/** Why there is no container or no exec: the runtime's words from its log or the sync pipe, else what conmon wrote before it gave up. */
export function explainRefusal(
  context: MonitorContext,
  answer: SyncMessage | undefined,
  code: number,
  log: string,
  command: readonly string[],
): EngineError {
  const read = (path: string): string => context.system.files.readTextIfExists(path)?.trim() ?? '';
  const words = [read(runtimeLog(dirname(log))), answer?.message?.trim() ?? '', read(log)].find((text) => text !== '');
  if (words !== undefined) return context.runtime.explainFailure(words, command);
  return new EngineError('runtime-failed', `conmon ended with status ${code} and said nothing`, {
    fix: `Look into ${log}.`,
    details: { conmon: context.path },
  });
}

/** Of a config.json or a process spec; only for the words of an error. */
export function commandOf(path: string): string[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const spec = member(parsed, 'process') ?? parsed;
    const args = member(spec, 'args');
    return Array.isArray(args) ? args.filter((argument) => typeof argument === 'string') : [];
  } catch {
    return [];
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
