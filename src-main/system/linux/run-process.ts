import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import type { ProcessResult, RunOptions } from '../system.ts';
import { ChildExit, nullDescriptor, posixSpawn, socketPair } from './posix-spawn.ts';

/** To its end, with what it wrote. */
export async function runProcess(command: string, path: string, args: readonly string[], options: RunOptions): Promise<ProcessResult> {
  const limit = options.maxOutputBytes ?? 4 * 1024 * 1024;
  const { exit, stdin, stdout, stderr } = start(path, args, options);
  const gathered = { stdout: gather(stdout, limit), stderr: gather(stderr, limit) };
  const closed = Promise.all([isClosed(stdout), isClosed(stderr)]);
  // A program that does not read its input (EPIPE) says so by its status.
  stdin?.on('error', () => undefined);
  if (options.input !== undefined) stdin?.end(options.input);

  let stopped: EngineError | undefined;
  const stop = (error: EngineError) => {
    stopped ??= error;
    exit.kill('SIGKILL');
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
    void closed.then(() => exit.wait());
    const { code, signal } = await exit.ended;
    if (stopped) throw stopped;
    await drained(closed);
    return { code, signal, stdout: gathered.stdout(), stderr: gathered.stderr() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }
}

interface Started {
  readonly exit: ChildExit;
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
}

function start(path: string, args: readonly string[], { input, environment, workingDirectory }: RunOptions): Started {
  const pairs = [...(input === undefined ? [] : [socketPair()]), socketPair(), socketPair()];
  const theirs = pairs.map((pair) => pair.theirs);
  const descriptors = input === undefined ? [nullDescriptor(), ...theirs] : theirs;
  let pid: number;
  try {
    pid = posixSpawn({ path, args, environment: environment ?? process.env, descriptors, workingDirectory });
  } catch (error) {
    for (const { ours } of pairs) closeSync(ours);
    throw error;
  } finally {
    for (const fd of theirs) closeSync(fd);
  }
  const streams = pairs.map(({ ours }) => openSocket(ours));
  const [stdin, stdout, stderr] = input === undefined ? [undefined, ...streams] : streams;
  if (!stdout || !stderr) throw new EngineError('internal', 'a pipe is missing');
  return { exit: new ChildExit(pid, false), stdin, stdout, stderr };
}

/** Loaded here: most commands start no process. */
export function openSocket(fd: number): Socket {
  const { Socket } = process.getBuiltinModule('node:net');
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}

function gather(stream: Readable, limit: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(size + chunk.length > limit ? chunk.subarray(0, limit - size) : chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function isClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream
      .once('end', resolve)
      .once('error', () => resolve())
      .once('close', resolve);
  });
}

/**
 * Waits for what the child itself wrote. A grandchild that keeps the pipe open (a daemon) must not hold us for ever:
 * whatever the child wrote is in the kernel's buffer already, so one quiet moment after its exit is enough.
 */
async function drained(closed: Promise<unknown>): Promise<void> {
  const { promise: quiet, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), 200);
  await Promise.race([closed, quiet]);
  clearTimeout(timer);
}
