/** Writing to the terminal or a pipe, with back-pressure. */

/** Resolves when the data is on its way; a reader that has gone is main.ts's matter (EPIPE). */
export function write(stream: NodeJS.WritableStream, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    stream.write(data, () => resolve());
  });
}

export function print(text: string): Promise<void> {
  return write(process.stdout, text);
}

export function printLines(lines: readonly string[]): Promise<void> {
  return lines.length === 0 ? Promise.resolve() : print(`${lines.join('\n')}\n`);
}

export function warn(text: string): Promise<void> {
  return write(process.stderr, `${text}\n`);
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
