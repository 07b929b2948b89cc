/** Questions to a person. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { EngineError } from '../../base/errors.ts';
import type { Context } from './context.ts';
import { print, write } from './output/print.ts';

/** What was read beyond the first line belongs to the next question. */
let input: AsyncIterator<string> | undefined;

/** One line from stdin, be it a terminal or not; undefined at its end. */
export async function askLine(question: string): Promise<string | undefined> {
  await print(question);
  input ??= createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]();
  const next = await input.next();
  return next.done === true ? undefined : next.value;
}

/** Everything up to the end of stdin, without line breaks, as Podman's --password-stdin reads it. */
export async function readSecret(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8').replace(/\r?\n/g, '');
}

/** From a terminal, without showing it. */
export async function askSecret(question: string, context: Context): Promise<string> {
  if (!process.stdin.isTTY)
    throw new EngineError('invalid-argument', 'a password can only be typed into a terminal', { fix: 'pipe it in with --password-stdin' });
  await write('stderr', question);
  // readline edits the line and leaves raw mode again, whatever happens; what it would show goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      const cancel = (): void => reject(new EngineError('cancelled', 'cancelled'));
      lines.once('line', resolve);
      lines.once('SIGINT', cancel);
      lines.once('close', cancel);
      context.signal.addEventListener('abort', cancel, { once: true });
    });
  } finally {
    lines.close();
    await write('stderr', '\n');
  }
}

/** Podman's `[y/N]`. An input that ends without an answer is an error, so that a script notices. */
export async function confirm(question: string): Promise<boolean> {
  const answer = await askLine(`${question} [y/N] `);
  if (answer === undefined)
    throw new EngineError('invalid-argument', 'there was no answer, and nothing was changed', { fix: 'answer y, or use --force' });
  return /^\s*y/i.test(answer);
}
