/** Interleaved measuring: A, B, C, A, B, C …, so that a change of the machine's mood hits all alike. */
import { spawn } from 'node:child_process';
import { columns, type Column, type Values } from './row.ts';

export interface Contender {
  /** Not measured. */
  readonly before?: () => Promise<unknown>;
  /** One measurement; answers it. */
  readonly run: () => Promise<number>;
  /** Not measured. */
  readonly after?: () => Promise<unknown>;
}

export type Contenders = Partial<Record<Column, Contender>>;

export interface Measured {
  readonly values: Values;
  readonly notes: readonly string[];
}

/** Medians. A contender that fails is out, with its words among the notes. */
export async function interleave(contenders: Contenders, options: { readonly runs: number; readonly warmUps?: number }): Promise<Measured> {
  const samples = new Map<Column, number[]>();
  const notes: string[] = [];
  const running = new Map<Column, Contender>();
  for (const column of columns) {
    const contender = contenders[column];
    if (contender) running.set(column, contender);
  }
  const warmUps = options.warmUps ?? 2;
  for (let round = 0; round < warmUps + options.runs; round++) {
    for (const [column, contender] of [...running]) {
      try {
        await contender.before?.();
        const value = await contender.run();
        await contender.after?.();
        if (round >= warmUps) samples.set(column, [...(samples.get(column) ?? []), value]);
      } catch (error) {
        running.delete(column);
        samples.delete(column);
        notes.push(`${column}: ${firstLine(error)}`);
      }
    }
  }
  const values: Values = {};
  for (const [column, list] of samples) {
    values[column] = median(list);
    notes.push(`${column}: ${spread(list)}`);
  }
  return { values, notes };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function spread(values: readonly number[]): string {
  const digits = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  return `${values.length} runs, ${digits(Math.min(...values))} to ${digits(Math.max(...values))}`;
}

export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '') ?? 'failed'
  );
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Finished {
  readonly stdout: string;
  readonly tookMs: number;
}

/** Runs to the end and answers how long it took, from before the fork to the exit. Throws when the status is not 0. */
export function timed({ program, args, environment }: Command): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    let [stdout, stderr, tookMs] = ['', '', 0];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      tookMs = performance.now() - started;
      // A container's helper may hold our pipes: what the command itself wrote is here.
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        if (code === 0) resolve({ stdout, tookMs });
        else reject(new Error(`${program} ${args.join(' ')}: ${complaint(stderr)} (status ${code ?? signal ?? '?'})`));
      });
    });
  });
}

/** The line that says what is wrong; else the last one. */
function complaint(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.find((line) => /^error/i.test(line)) ?? lines.at(-1) ?? '';
}

export async function output(command: Command): Promise<string> {
  return (await timed(command)).stdout.trim();
}
