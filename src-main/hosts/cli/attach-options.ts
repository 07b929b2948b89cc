import { EngineError } from '../../base/errors.ts';

export interface AttachedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** `-a`: which streams; without it output, and input when -i was given. */
export function parseAttach(words: readonly string[], interactive: boolean): AttachedStreams {
  if (words.length === 0) return { stdin: interactive, stdout: true, stderr: true };
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  for (const word of wanted) {
    if (!['stdin', 'stdout', 'stderr'].includes(word))
      throw new EngineError('invalid-argument', `invalid stream "${word}" for --attach: choose from stdin, stdout, stderr`);
  }
  return { stdin: wanted.has('stdin') && interactive, stdout: wanted.has('stdout'), stderr: wanted.has('stderr') };
}
