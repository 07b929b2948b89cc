import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { constants as osConstants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { EngineError, throwIfAborted } from '../../base/errors.ts';
import { errnoError, errnoOf, toEngineError } from '../errno.ts';
import type { ProcessResult, Processes, RunOptions, SpawnedProcess, SpawnOptions } from '../system.ts';
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
    return collect(
      command,
      startChild(command, args, { ...options, stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] }),
      options,
    );
  },

  spawn(command, args, options): SpawnedProcess {
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
  const path = linuxProcesses.find(command);
  if (path === undefined) throw missingTool(command);
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
    const cwd = options.workingDirectory;
    if (cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw errnoError('ENOENT', `start ${path} in`, cwd);
    throw errnoError(isExecutable(path) ? 'EAGAIN' : 'EACCES', 'start', path);
  }
  return child;
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

async function collect(command: string, child: ChildProcess, options: RunOptions): Promise<ProcessResult> {
  const limit = options.maxOutputBytes ?? 4 * 1024 * 1024;
  const stdout = gather(child.stdout, limit);
  const stderr = gather(child.stderr, limit);
  // A program that does not read its input (EPIPE) says so by its status.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);

  let stopped: EngineError | undefined;
  const stop = (error: EngineError) => {
    stopped ??= error;
    child.kill('SIGKILL');
  };
  const onAbort = () => {
    stop(new EngineError('cancelled', `${command} was cancelled`, { cause: options.signal?.reason }));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => stop(new EngineError('timeout', `${command} did not end within ${options.timeoutMs ?? 0} ms`)), options.timeoutMs);
  try {
    const { code, signal } = await exitOf(child);
    if (stopped) throw stopped;
    await drained(child);
    return { code, signal, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function gather(stream: Readable | null, limit: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(size + chunk.length > limit ? chunk.subarray(0, limit - size) : chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/**
 * Waits for what the child itself wrote. A grandchild that keeps the pipe open (a daemon) must not hold us for ever:
 * whatever the child wrote is in the kernel's buffer already, so one quiet moment after its exit is enough.
 */
function drained(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const streams = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.readableEnded && !stream.destroyed);
    let open = streams.length;
    const finish = () => {
      clearTimeout(timer);
      for (const stream of streams) stream?.destroy();
      resolve();
    };
    const timer = setTimeout(finish, 200);
    for (const stream of streams) {
      stream?.once('close', () => {
        if (--open === 0) finish();
      });
    }
    if (open === 0) finish();
  });
}
