/** Writing to the terminal or a pipe, with back-pressure. */
import { writeSync } from 'node:fs';
import { errnoOf } from '../../../system/errno.ts';

export type Output = 'stdout' | 'stderr';

/** What a process has that died by SIGPIPE, as `podman logs | head` does. */
const brokenPipeStatus = 141;
const descriptors = { stdout: 1, stderr: 2 } as const;
/** An empty pipe takes 64 KiB without a wait (pipe(7)); a wait in a synchronous call would make us deaf to Ctrl-C. */
const directBytes = 60 * 1024;
const left = { stdout: directBytes, stderr: directBytes };
const streams: Partial<Record<Output, NodeJS.WriteStream>> = {};

/**
 * Resolves when the data is on its way. The first bytes are written directly: making Node's stream costs as much as a tenth of `selkie ps`. A
 * reader that has gone ends the program.
 */
export async function write(output: Output, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const rest = streams[output] ? bytes : writeDirectly(output, bytes);
  if (rest.length === 0) return;
  const stream = openStream(output);
  await new Promise<void>((resolve) => {
    stream.write(rest, () => resolve());
  });
}

/** Resolves when the last write has been taken. */
export async function flush(): Promise<void> {
  for (const stream of Object.values(streams)) await new Promise((resolve) => stream.write('', resolve));
}

/** Answers what is still to be written: the descriptor may be a full pipe in non-blocking mode, or the data too much. */
function writeDirectly(output: Output, bytes: Uint8Array): Uint8Array {
  if (bytes.length > left[output]) return bytes;
  left[output] -= bytes.length;
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptors[output], bytes, written);
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') endBy(error);
  }
  return bytes.subarray(written);
}

function openStream(output: Output): NodeJS.WriteStream {
  const known = streams[output];
  if (known) return known;
  const stream = process[output];
  stream.on('error', endBy);
  streams[output] = stream;
  return stream;
}

/** There is nobody left to tell. */
function endBy(error: unknown): never {
  process.exit(errnoOf(error) === 'EPIPE' ? brokenPipeStatus : 125);
}

export function print(text: string): Promise<void> {
  return write('stdout', text);
}

export function printLines(lines: readonly string[]): Promise<void> {
  return lines.length === 0 ? Promise.resolve() : print(`${lines.join('\n')}\n`);
}

export function warn(text: string): Promise<void> {
  return write('stderr', `${text}\n`);
}

/** Warnings of the engine, each once, unless --log-level asks for less. */
export class WarningPrinter {
  readonly #seen = new Set<string>();
  readonly #silent: boolean;

  constructor(logLevel: string) {
    this.#silent = ['error', 'fatal', 'panic'].includes(logLevel);
  }

  async print(warnings: readonly string[]): Promise<void> {
    for (const warning of warnings) {
      if (this.#silent || this.#seen.has(warning)) continue;
      this.#seen.add(warning);
      await warn(`Warning: ${warning}`);
    }
  }
}
