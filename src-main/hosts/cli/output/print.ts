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
