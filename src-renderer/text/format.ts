/** Numbers, sizes, times: pure, by language. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Binary units, three significant digits. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–';
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

export function formatPercent(percent: number): string {
  return `${percent.toFixed(percent >= 99.95 ? 0 : 1)} %`;
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** “3 hours ago”, “in 7 days”; undefined for less than a minute, which has words of its own. */
export function formatRelative(atMs: number, nowMs: number, language: string): string | undefined {
  const seconds = (atMs - nowMs) / 1000;
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length)
      return new Intl.RelativeTimeFormat(language, { numeric: 'always' }).format(
        seconds > 0 ? Math.round(seconds / length) : Math.trunc(seconds / length),
        unit,
      );
  }
  return undefined;
}

export function formatExact(atMs: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(atMs);
}

const durationSteps: readonly (readonly ['day' | 'hour' | 'minute' | 'second', number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** Two units at most: “2 min 5 sec”, “340 ms”. */
export function formatDuration(ms: number, language: string): string {
  const unitText = (value: number, unit: string, digits = 0) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
  if (ms < 1_000) return unitText(Math.round(ms), 'millisecond');
  if (ms < 10_000) return unitText(ms / 1000, 'second', 1);
  let seconds = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [unit, length] of durationSteps) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) parts.push(unitText(count, unit));
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

export function formatCount(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}

/** As far as a person needs to tell it from others. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
