const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A moment as Podman's --since, --until take it: RFC 3339, a date, seconds since 1970 (with fraction), or a duration back from now (Go's 1h30m). */
export function parseMoment(text: string, nowMs: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const duration = parseDurationMs(text);
  if (duration !== undefined) return nowMs - duration;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** Go's time.ParseDuration: 300ms, 1.5h, 2h45m, with a sign. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!match) return undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of (match[2] ?? '').matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit] ?? 0);
  }
  return match[1] === '-' ? -total : total;
}
