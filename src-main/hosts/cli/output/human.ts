/** Times and sizes in words, as Podman's tables show them (docker/go-units' rules). */

export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(ms / 3_600_000) / 24 / 365)} years`;
}

export function ago(thenMs: number, nowMs: number): string {
  return `${humanDuration(nowMs - thenMs)} ago`;
}

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `1.998MB`. @param digits significant ones @param between a blank, for `images` */
export function humanSize(bytes: number, digits = 4, between = ''): string {
  return scaled(bytes, 1000, decimalUnits, digits, between);
}

/** `64MiB` */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, binaryUnits, 4, '');
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number, between: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${significant(value, digits)}${between}${units[unit] ?? ''}`;
}

/** Go's %.4g for numbers that need no exponent. */
function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

/** `1m30.5s`, Go's time.Duration. */
export function goDuration(ns: number): string {
  if (ns === 0) return '0s';
  const trim = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
  if (ns < 1000) return `${ns}ns`;
  if (ns < 1e6) return `${trim(ns / 1e3, 3)}µs`;
  if (ns < 1e9) return `${trim(ns / 1e6, 6)}ms`;
  const seconds = ns / 1e9;
  const hours = Math.trunc(seconds / 3600);
  const minutes = Math.trunc((seconds % 3600) / 60);
  const rest = trim(seconds % 60, 9);
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}

/** The first twelve digits, as tables show ids. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
