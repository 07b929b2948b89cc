import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { type EngineOptions, tmpDirectory } from '../engine/config/config.ts';
import type { System } from '../system/system.ts';
import { findRecorded, findSurvivor, type Holder, type SandboxKind, writeRecord } from './pause-process.ts';
import { holdAgain, joinWords, makeSandbox } from './make-sandbox.ts';

export interface SandboxRequest {
  readonly system: System;
  readonly options: EngineOptions;
  readonly environment: NodeJS.ProcessEnv;
  /** Where containers' conmons leave their pids: to find a sandbox whose pause process was killed. */
  readonly runRoot: () => string;
}

export interface Sandbox extends Holder {
  readonly kind: SandboxKind;
  /** Program and arguments that run a command in there. */
  command(program: string, args: readonly string[]): readonly [string, string[]];
}

/** Making one takes 20 ms; a holder of the lock that needs this long is stuck. */
const lockTimeoutMs = 10_000;

/**
 * What this process still lacks to run an engine: undefined when it is where an engine can be. Told by its ids and namespaces, never
 * by the environment. `denied` in a user namespace of somebody else that cannot hold containers.
 */
export function lackingSandbox({ identity, cgroups }: Pick<System, 'identity' | 'cgroups'>): SandboxKind | undefined {
  if (identity.uid !== 0) return 'user';
  const ids = identity.uidMap.reduce((sum, range) => sum + range.size, 0);
  if (ids === 1) {
    throw new EngineError('denied', 'this shell is in a user namespace with a single id, in which no container can run', {
      fix: 'run selkie outside of it (leave `unshare`), as the user itself',
    });
  }
  return cgroups.version === 'hybrid' ? 'mount' : undefined;
}

/** Joins or makes the one sandbox of this user and tmp folder. Engines that start at once end in the same one. */
export async function ensureSandbox(request: SandboxRequest): Promise<Sandbox | undefined> {
  const { system } = request;
  const kind = lackingSandbox(system);
  if (kind === undefined) return undefined;
  const folder = tmpDirectory(request.options, system.identity, request.environment);
  return toSandbox(
    (isOurs(folder, system.identity.uid) ? findRecorded(system, folder, kind) : undefined) ?? (await establish(request, folder, kind)),
    kind,
  );
}

async function establish(request: SandboxRequest, folder: string, kind: SandboxKind): Promise<Holder> {
  const { system } = request;
  system.files.ensureDirectory(folder, 0o700);
  if (!isOurs(folder, system.identity.uid)) {
    throw new EngineError('denied', `the folder ${folder} belongs to another user`, {
      fix: 'remove it as root, or name another one by --tmpdir',
    });
  }
  using _lock = await system.locks.acquire(join(folder, 'pause.lock'), { timeoutMs: lockTimeoutMs });
  const recorded = findRecorded(system, folder, kind);
  if (recorded) return recorded;
  const survivor = findSurvivor(system, folder, request.runRoot(), kind);
  const holder = survivor ? await holdAgain(system, survivor, kind) : await makeSandbox(system, kind);
  writeRecord(system, folder, holder);
  return holder;
}

/** /tmp is everybody's: what another user has put there is not believed. */
function isOurs(folder: string, uid: number): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === uid;
}

function toSandbox(holder: Holder, kind: SandboxKind): Sandbox {
  return {
    ...holder,
    kind,
    command(program, args) {
      const [nsenter = 'nsenter', ...words] = joinWords(holder.pid, kind);
      return [nsenter, [...words, program, ...args]];
    },
  };
}
