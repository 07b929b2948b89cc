import type { ChildProcess, StdioOptions } from 'node:child_process';
import { accessSync, closeSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { constants as osConstants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { errnoError, errnoOf, toEngineError } from '../errno.ts';
import type { Processes, SpawnedProcess, SpawnOptions } from '../system.ts';
import { ChildExit, nullDescriptor, posixSpawn, socketPair } from './posix-spawn.ts';
import { openSocket, runProcess } from './run-process.ts';
import { sealedProgram } from './sealed-program.ts';
import { hardenLimit, parseLimits } from './resource-limits.ts';

/** Where distributions put programs that are not for people. */
const hiddenFolders = [
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/libexec/podman',
  '/usr/lib/podman',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

export const linuxProcesses: Processes = {
  async run(command, args, options = {}) {
    throwIfAborted(options.signal);
    const path = requireProgram(command);
    return withWords(path, options.workingDirectory, () => runProcess(command, path, args, options));
  },

  runSync(command, args, { environment, timeoutMs, workingDirectory } = {}) {
    const path = requireProgram(command);
    return withWords(path, workingDirectory, () => {
      const { status, signal, stdout, stderr, error } = process.getBuiltinModule('node:child_process').spawnSync(path, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        encoding: 'utf8',
        killSignal: 'SIGKILL',
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
        ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
        ...(environment === undefined ? {} : { env: { ...environment } }),
      });
      if (errnoOf(error) === 'ETIMEDOUT') throw new EngineError('timeout', `${command} did not end within ${timeoutMs ?? 0} ms`);
      if (error) throw toEngineError(error, 'start', path);
      return { code: status ?? 128 + (signal === null ? 0 : osConstants.signals[signal]), signal: signal ?? undefined, stdout, stderr };
    });
  },

  spawn(command, args, options): SpawnedProcess {
    if (options.brief === true) return spawnBrief(requireProgram(command), args, options);
    const child = startChild(command, args, options);
    const exited = exitOf(child);
    // A caller that only wants the pid must not die of this.
    exited.catch(() => undefined);
    if (options.detached === true) child.unref();
    const pipes: Record<number, Readable & Writable> = {};
    options.stdio.forEach((kind, fd) => {
      const stream = child.stdio[fd];
      // Node makes every 'pipe' of a socket pair: a net.Socket, whatever the types say.
      if (kind === 'pipe' && stream) pipes[fd] = stream as Readable & Writable;
    });
    return { pid: child.pid ?? 0, pipes, exited };
  },

  signal(pid, signal) {
    // 0 and negative numbers name groups: never by accident.
    if (!Number.isSafeInteger(pid) || pid <= 0) throw new EngineError('internal', `signal to the impossible pid ${pid}`);
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw toEngineError(error, `send ${signal} to`, `process ${pid}`);
    }
  },

  startTime(pid) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The command may contain blanks and parentheses: fields count from its end.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' || fields[0] === 'x' ? undefined : Number(fields[19]);
    } catch {
      return undefined;
    }
  },

  find(program) {
    if (program.includes('/')) return isAbsolute(program) && isExecutable(program) ? program : undefined;
    const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
    return [...folders, ...hiddenFolders].map((folder) => join(folder, program)).find(isExecutable);
  },

  sealed: sealedProgram,

  resourceLimit: (name) => parseLimits(readFileSync('/proc/self/limits', 'utf8')).get(name),

  raiseSoftLimit: hardenLimit,
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function startChild(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'environment' | 'workingDirectory' | 'stdio' | 'detached'>,
): ChildProcess {
  const path = requireProgram(command);
  // Loaded here: most commands start nothing that lives as long as they do.
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    child = spawn(path, args, {
      // Not a tuple: Node's types know three descriptors, the function takes any number.
      stdio: [...options.stdio] as StdioOptions,
      ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
      ...(options.environment === undefined ? {} : { env: { ...options.environment } }),
      detached: options.detached ?? false,
    });
  } catch (error) {
    throw toEngineError(error, 'start', path);
  }
  if (child.pid === undefined) {
    // Node reports it on the next turn; the caller has to know now.
    child.on('error', () => undefined);
    requireDirectory(path, options.workingDirectory);
    throw errnoError(isExecutable(path) ? 'EAGAIN' : 'EACCES', 'start', path);
  }
  return child;
}

/** Of a child that leaves on its own at once. */
function spawnBrief(path: string, args: readonly string[], options: SpawnOptions): SpawnedProcess {
  const pairs = new Map(options.stdio.flatMap((kind, fd) => (kind === 'pipe' ? [[fd, socketPair()] as const] : [])));
  const descriptors = options.stdio.map((kind, fd) => {
    if (kind === 'ignore') return nullDescriptor();
    return typeof kind === 'number' ? kind : (pairs.get(fd)?.theirs ?? fd);
  });
  const { environment = process.env, workingDirectory } = options;
  let pid: number;
  try {
    pid = withWords(path, workingDirectory, () => posixSpawn({ path, args, environment, descriptors, workingDirectory }));
  } catch (error) {
    for (const { ours } of pairs.values()) closeSync(ours);
    throw error;
  } finally {
    for (const { theirs } of pairs.values()) closeSync(theirs);
  }
  const pipes = Object.fromEntries([...pairs].map(([fd, { ours }]) => [fd, openSocket(ours)]));
  const exit = new ChildExit(pid, true);
  return {
    pid,
    pipes,
    get exited() {
      return exit.wait();
    },
  };
}

/** The kernel has one error for a program and for a working directory that is not there. */
function withWords<T>(path: string, workingDirectory: string | undefined, start: () => T): T {
  try {
    return start();
  } catch (error) {
    requireDirectory(path, workingDirectory);
    throw error;
  }
}

function requireDirectory(path: string, workingDirectory: string | undefined): void {
  if (workingDirectory !== undefined && statSync(workingDirectory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw errnoError('ENOENT', `start ${path} in`, workingDirectory);
}

function requireProgram(command: string): string {
  const path = linuxProcesses.find(command);
  if (path === undefined) throw missingTool(command);
  return path;
}

export function missingTool(program: string): EngineError {
  return new EngineError('missing-tool', `the program ${program} is not installed`, {
    fix: 'run `selkie system check`: it names the package',
    details: { program },
  });
}

function exitOf(child: ChildProcess): SpawnedProcess['exited'] {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve({ code: code ?? 128 + (signal === null ? 0 : osConstants.signals[signal]), signal: signal ?? undefined });
    });
  });
}
