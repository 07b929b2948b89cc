import { AsyncQueue } from '../../base/async-queue.ts';
import type { ForwardedSignal, TerminalDown, TerminalUp } from '../../contract/container.ts';
import type { PacketSocket } from '../../system/system.ts';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';

/** conmon reads its attach socket in pieces of at most this; a longer packet would be cut. */
const packetBytes = 8192;
const stdoutPacket = 2;
const stderrPacket = 3;

export interface TerminalSessionOptions {
  readonly socket: PacketSocket;
  readonly up: AsyncIterable<TerminalUp>;
  /** Whether what comes up as stdin is handed on. */
  readonly stdin: boolean;
  readonly output: boolean;
  /** Empty: never detach. */
  readonly detachKeys: string;
  readonly resize: (rows: number, columns: number) => void;
  /** Passes a signal on; without it they are ignored. */
  readonly kill?: (signal: ForwardedSignal) => void;
  readonly signal: AbortSignal;
  /** The exit code, asked for once the output has ended. */
  readonly exitCode: () => Promise<number>;
}

/**
 * One attached terminal or pipe: output down, stdin and sizes up. All output comes before `exit`. A slow reader slows conmon's
 * socket, a container that does not read slows `up`. Leaving the loop lets go of the container, which runs on.
 */
export async function* terminalSession(options: TerminalSessionOptions): AsyncGenerator<TerminalDown> {
  const { socket } = options;
  const queue = new AsyncQueue<TerminalDown>();
  const abort = (): void => queue.end();
  options.signal.addEventListener('abort', abort);
  if (options.signal.aborted) queue.end();
  const scanner = new DetachScanner(parseDetachKeys(options.detachKeys));
  const down = pumpDown(options, queue);
  const up = pumpUp(options, queue, scanner);
  try {
    yield { kind: 'ready' };
    yield* queue;
  } finally {
    options.signal.removeEventListener('abort', abort);
    queue.end();
    socket.close();
    await down;
    // Nobody may ever send anything more: `up` is left to its own end.
    up.catch(() => undefined);
  }
}

async function pumpDown(options: TerminalSessionOptions, queue: AsyncQueue<TerminalDown>): Promise<void> {
  try {
    for await (const packet of options.socket.packets) {
      if (queue.ended) return;
      const item = toDown(packet);
      if (item && options.output && !queue.push(item)) await queue.drained();
    }
    if (!queue.ended) queue.push({ kind: 'exit', code: await options.exitCode() });
    queue.end();
  } catch (error) {
    queue.fail(error);
  }
}

function toDown(packet: Uint8Array): TerminalDown | undefined {
  // Received into memory of its own; nobody shares it.
  const bytes = packet.subarray(1) as Uint8Array<ArrayBuffer>;
  if (bytes.length === 0) return undefined;
  if (packet[0] === stdoutPacket) return { kind: 'stdout', bytes };
  return packet[0] === stderrPacket ? { kind: 'stderr', bytes } : undefined;
}

async function pumpUp(options: TerminalSessionOptions, queue: AsyncQueue<TerminalDown>, scanner: DetachScanner): Promise<void> {
  try {
    for await (const item of options.up) {
      if (queue.ended) return;
      if (item.kind === 'resize') options.resize(item.rows, item.columns);
      else if (item.kind === 'signal') options.kill?.(item.signal);
      else if (!options.stdin) continue;
      else if (item.kind === 'eof') options.socket.endWriting();
      else {
        const { bytes, detached } = scanner.scan(item.bytes);
        for (let start = 0; start < bytes.length; start += packetBytes)
          await options.socket.send(bytes.subarray(start, start + packetBytes));
        if (!detached) continue;
        queue.push({ kind: 'detached' });
        queue.end();
        return;
      }
    }
  } catch {
    // The container has ended or closed its stdin: the other direction tells.
  }
}
