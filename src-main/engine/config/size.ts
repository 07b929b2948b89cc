import { EngineError } from '../../base/errors.ts';

const factors: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Podman's sizes: a number with b, k, m, g or t (binary, either case, an optional trailing b); no unit means bytes. */
export function parseSizeBytes(text: string, what: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([bkmgt])?(?:i?b)?\s*$/i.exec(text);
  const number = Number(match?.[1]);
  if (!match || !Number.isFinite(number)) {
    throw new EngineError('invalid-argument', `${what}: "${text}" is no size`, {
      fix: 'write a number with an optional unit b, k, m or g, for example 512m',
    });
  }
  return Math.floor(number * (factors[(match[2] ?? 'b').toLowerCase()] ?? 1));
}
