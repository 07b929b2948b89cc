/** What a person sees of an error: `Error: …`, one more line that helps, and the exit status. Never a stack. */
import { EngineError, errorTable, isCancelled, messageOf } from '../../../base/errors.ts';

export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/** @param debug adds the chain of causes */
export function describeFailure(error: unknown, debug = false): Failure {
  if (isCancelled(error)) return { text: '', exitCode: errorTable.cancelled.exitCode };
  const known = error instanceof EngineError ? error : undefined;
  const lines = [`Error: ${known ? messageOf(known) : `internal error: ${messageOf(error)}`}`];
  const candidates: unknown = known?.details.candidates;
  if (Array.isArray(candidates) && candidates.length > 0) lines.push(`Candidates: ${candidates.map(String).join(', ')}`);
  const hint: unknown = known?.details.hint;
  if (typeof hint === 'string') lines.push(hint);
  else if (known?.fix !== undefined) lines.push(`Fix: ${known.fix.replace(/\s*\n\s*/g, ' ')}`);
  if (debug) lines.push(...causes(error));
  return { text: `${lines.join('\n')}\n`, exitCode: known ? errorTable[known.code].exitCode : errorTable.internal.exitCode };
}

function causes(error: unknown): string[] {
  const lines: string[] = [];
  for (let at = error instanceof Error ? error.cause : undefined; at !== undefined && lines.length < 16; ) {
    const code = at instanceof EngineError ? ` (${at.code})` : '';
    lines.push(`  caused by: ${messageOf(at)}${code}`);
    at = at instanceof Error ? at.cause : undefined;
  }
  return lines;
}
