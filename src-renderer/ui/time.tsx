import { useSyncExternalStore } from 'react';
import { formatExact, formatRelative } from '../text/format.ts';
import { useText } from '../text/text.ts';

/** One clock for all relative dates: a tick in half a minute, none while the window is hidden or nothing shows a date. */
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.visibilityState === 'hidden') return;
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(tick, 30_000);
    document.addEventListener('visibilitychange', tick);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener('visibilitychange', tick);
  };
}

interface RelativeTimeProps {
  readonly atMs: number | undefined;
  /** It lies in the future. Otherwise a moment that does so by a clock that is fast is taken for now. */
  readonly ahead?: boolean;
}

export function RelativeTime({ atMs, ahead = false }: RelativeTimeProps) {
  const { t, language } = useText();
  const at = useSyncExternalStore(subscribe, () => now);
  if (atMs === undefined || atMs <= 0) return <span className="muted">{t('time.never')}</span>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatExact(atMs, language)}>
      {formatRelative(atMs, ahead ? at : Math.max(at, atMs), language) ?? t('time.justNow')}
    </time>
  );
}
