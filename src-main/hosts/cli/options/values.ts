/** Values that Podman writes in its own ways: sizes, durations, moments, KEY=VALUE. */
import { EngineError } from '../../../base/errors.ts';

const sizeFactors: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** `512m`, `1g`, `1.5G`, `64MiB`, `1000`: binary units whatever the spelling, as docker/go-units' RAMInBytes. @param what for the message */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp])?(?:i?b)?$/i.exec(text.trim());
  const factor = match ? sizeFactors[(match[2] ?? '').toLowerCase()] : undefined;
  if (!match || factor === undefined) {
    throw new EngineError('invalid-argument', `invalid value for ${what}: invalid size: '${text}'`, {
      fix: 'write a number with a unit b, k, m or g, such as 512m',
    });
  }
  const bytes = Math.floor(Number(match[1]) * factor);
  if (!Number.isSafeInteger(bytes)) throw new EngineError('invalid-argument', `invalid value for ${what}: ${text} is too large`);
  return bytes;
}

const durationUnitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's duration: `1h30m`, `250ms`, `1.5s`; a bare number is refused. Undefined when it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!match) return undefined;
  let total = 0;
  for (const part of (match[2] ?? '').matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(part[1]) * (durationUnitsMs[part[2] ?? ''] ?? 0);
  return match[1] === '-' ? -total : total;
}

/**
 * A moment as Podman's --since and --until take it: RFC 3339 in full or in part (local time without a zone), seconds since 1970, or
 * a Go duration before now.
 */
export function parseMoment(text: string, nowMs: number, flag: string): number {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1000);
  const duration = parseDurationMs(text);
  if (duration !== undefined) return nowMs - duration;
  const date = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (date) {
    const parsed = Date.parse(`${date[1] ?? ''}T${date[2] ?? '00:00:00'}${date[3] ?? ''}`);
    if (!Number.isNaN(parsed)) return parsed;
  }
  throw new EngineError('invalid-argument', `parsing ${flag} "${text}": unable to interpret time value`, {
    fix: 'write a time such as 2026-01-31T10:00:00, or a duration before now such as 10m',
  });
}

/** `KEY=VALUE` and `KEY` (empty value), into one object; later ones win. */
export function parseKeyValues(items: readonly string[], what: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const item of items) {
    const equals = item.indexOf('=');
    const key = equals < 0 ? item : item.slice(0, equals);
    if (key === '') throw new EngineError('invalid-argument', `invalid ${what} "${item}": the part before = is empty`);
    // A key such as __proto__ is data here.
    Object.defineProperty(result, key, {
      value: equals < 0 ? '' : item.slice(equals + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}

/** One of a closed list of words. */
export function parseChoice<T extends string>(text: string, choices: readonly T[], complaint: (text: string) => string): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new EngineError('invalid-argument', complaint(text), { fix: `choose one of ${choices.join(', ')}` });
  return found;
}

/** `--filter key=value`, repeated. */
export function parseFilters(items: readonly string[]): { key: string; value: string }[] {
  return items.map((item) => {
    const equals = item.indexOf('=');
    if (equals <= 0) throw new EngineError('invalid-argument', `invalid filter "${item}": it has to be key=value`);
    // Podman's negated label: label!=key
    return { key: item.slice(0, equals), value: item.slice(equals + 1) };
  });
}
