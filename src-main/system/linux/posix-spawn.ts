/**
 * posix_spawn(3), and waiting for what it started. Node's own spawn forks: its main thread stands still while the page tables are copied, for
 * longer the more memory the process has (1 ms at 44 MB, 30 at 1 GB), and pays again for every page that it writes afterwards. glibc's
 * posix_spawn shares the memory until the exec.
 */
import { closeSync, constants as fs, openSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoError } from '../errno.ts';
import { errnoName, lastError, libc, type Libc } from './libc.ts';

export interface PosixSpawnRequest {
  /** Absolute: no search. */
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ours, by the descriptor that the child gets: index 0 is its standard input. Everything else of ours is closed by its close-on-exec flag. */
  readonly descriptors: readonly number[];
  readonly workingDirectory: string | undefined;
}

export interface ExitStatus {
  /** 128 and the signal's number for one that was killed. */
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
}

// spawn.h and fcntl.h of glibc; the same on x86-64 and arm64.
const setSignalDefaults = 0x04;
const setSignalMask = 0x08;
const duplicateCloexec = 1030;
const waitNoHang = 1;
/** Larger than posix_spawn_file_actions_t (80), posix_spawnattr_t (336) and sigset_t (128 bytes). */
const opaqueBytes = 512;

/** Answers the pid. Errors are those of execve(2): `not-found`, `denied`, … */
export function posixSpawn(request: PosixSpawnRequest): number {
  const c = libc();
  const actions = new Uint8Array(opaqueBytes);
  const attributes = new Uint8Array(opaqueBytes);
  const moved: number[] = [];
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  try {
    const { descriptors } = request;
    const sources = descriptors.map((fd, target) => {
      // One that would be overwritten by a dup2 for a lower target before its own turn.
      if (fd === target || fd >= descriptors.length) return fd;
      const copy = c.fcntl(fd, duplicateCloexec, descriptors.length);
      if (copy < 0) throw lastError('duplicate a descriptor for', request.path);
      moved.push(copy);
      return copy;
    });
    // For equal numbers glibc clears the close-on-exec flag, which is what is wanted.
    sources.forEach((fd, target) => c.posix_spawn_file_actions_adddup2(actions, fd, target));
    if (request.workingDirectory !== undefined) c.posix_spawn_file_actions_addchdir_np(actions, request.workingDirectory);
    // Node ignores SIGPIPE, and a signal mask is inherited by everything that the child will ever start.
    c.posix_spawnattr_setsigmask(attributes, new Uint8Array(opaqueBytes));
    c.posix_spawnattr_setsigdefault(attributes, new Uint8Array(opaqueBytes).fill(0xff));
    c.posix_spawnattr_setflags(attributes, setSignalDefaults | setSignalMask);
    const environment = Object.entries(request.environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    return start(c, request, actions, attributes, environment);
  } finally {
    for (const fd of moved) closeSync(fd);
    c.posix_spawn_file_actions_destroy(actions);
    c.posix_spawnattr_destroy(attributes);
  }
}

function start(c: Libc, { path, args }: PosixSpawnRequest, actions: Uint8Array, attributes: Uint8Array, environment: string[]): number {
  const pid = new Int32Array(1);
  const error = c.posix_spawn(pid, path, actions, attributes, [path, ...args, null], [...environment, null]);
  if (error !== 0) throw errnoError(errnoName(error), 'start', path);
  return pid[0] ?? 0;
}

/** A connected pair of stream sockets: ours, and the child's, which has to be closed here after the spawn. */
export function socketPair(): { readonly ours: number; readonly theirs: number } {
  const afUnix = 1;
  const streamCloexec = 1 | 0o2000000;
  const pair = new Int32Array(2);
  if (libc().socketpair(afUnix, streamCloexec, 0, pair) < 0) throw lastError('make', 'a pair of sockets');
  const [ours = -1, theirs = -1] = pair;
  return { ours, theirs };
}

let nullDevice: number | undefined;

/** Kept open for ever: one descriptor for all. */
export function nullDescriptor(): number {
  nullDevice ??= openSync('/dev/null', fs.O_RDWR);
  return nullDevice;
}

/** waitpid(2) without waiting; undefined while it runs. */
function tryReap(pid: number): ExitStatus | undefined {
  const status = new Int32Array(1);
  const answer = libc().waitpid(pid, status, waitNoHang);
  if (answer === 0) return undefined;
  // Nobody else waits for our children; should it be gone all the same, nobody can tell how.
  if (answer < 0) return { code: 255, signal: undefined };
  const word = status[0] ?? 0;
  const number = word & 0x7f;
  if (number === 0) return { code: (word >> 8) & 0xff, signal: undefined };
  return { code: 128 + number, signal: signalName(number) };
}

function signalName(number: number): NodeJS.Signals | undefined {
  return (Object.keys(constants.signals) as NodeJS.Signals[]).find((name) => constants.signals[name] === number);
}

/**
 * The end of a child. It is looked for in growing intervals, because only libuv may have a handler for SIGCHLD; whoever has a reason to
 * believe that it has ended (its pipes are closed, it has reported) says so by `look`, and nothing is lost by waiting.
 */
export class ChildExit {
  readonly pid: number;
  readonly ended: Promise<ExitStatus>;
  readonly #maxIntervalMs: number;
  readonly #resolve: (status: ExitStatus) => void;
  #timer: NodeJS.Timeout | undefined;
  #done = false;

  /** `patient`: nobody waits for it yet; it is reaped some time, and does not keep this process alive. */
  constructor(pid: number, patient: boolean) {
    this.pid = pid;
    this.#maxIntervalMs = patient ? 1000 : 25;
    const { promise, resolve } = Promise.withResolvers<ExitStatus>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#schedule(2, patient);
  }

  look(): void {
    if (this.#done) return;
    const status = tryReap(this.pid);
    if (!status) return;
    this.#done = true;
    clearTimeout(this.#timer);
    this.#resolve(status);
  }

  /** Only while it is not reaped: afterwards the number may be somebody else's. */
  kill(signal: NodeJS.Signals): void {
    if (!this.#done) process.kill(this.pid, signal);
  }

  /** From now on somebody waits. */
  async wait(): Promise<ExitStatus> {
    this.look();
    if (!this.#done) {
      clearTimeout(this.#timer);
      this.#schedule(1, false);
    }
    return this.ended;
  }

  #schedule(ms: number, patient: boolean): void {
    this.#timer = setTimeout(() => {
      this.look();
      if (!this.#done) this.#schedule(Math.min(ms * 1.5, patient ? this.#maxIntervalMs : 25), patient);
    }, ms);
    if (patient) this.#timer.unref();
  }
}
