/** One line for the person at the terminal, on stderr: stdout belongs to the command that follows. */
export function say(line) {
  process.stderr.write(`selkie: ${line}\n`);
}

/** A failure that is told in words, without a stack. */
export class SetUpError extends Error {
  constructor(message, fix) {
    super(message);
    this.fix = fix;
  }
}
