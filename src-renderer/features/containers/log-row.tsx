import { useText } from '../../text/text.ts';
import { Marked } from '../../ui/marked.tsx';
import { segmentsOf } from './ansi.ts';
import type { LogLine } from './log-buffer.ts';

interface LogRowProps {
  readonly line: LogLine;
  readonly timestamps: boolean;
  readonly query: string;
  readonly current: boolean;
}

/** Standard error has a word and an edge of its own, not only a colour. */
export function LogRow({ line, timestamps, query, current }: LogRowProps) {
  const { t } = useText();
  const err = line.source === 'stderr';
  const hit = query !== '' && line.text.toLowerCase().includes(query.toLowerCase());
  return (
    <div className={`log-line${err ? ' log-err' : ''}${current ? ' log-current' : ''}`}>
      <span className="log-source" title={err ? t('log.stderrLong') : undefined}>
        {err ? t('log.stderr') : ''}
      </span>
      {timestamps ? <span className="log-time">{shortTime(line.timestamp)}</span> : null}
      <span className="log-text">
        {hit ? (
          <Marked text={line.text} query={query} current={current} />
        ) : line.colored === undefined ? (
          line.text
        ) : (
          segmentsOf(line.colored).map((segment) => (
            <span key={segment.at} className={segment.className}>
              {segment.text}
            </span>
          ))
        )}
      </span>
    </div>
  );
}

/** Date and time to the millisecond, as it was written: no change of time zone. */
function shortTime(timestamp: string): string {
  return timestamp.replace('T', ' ').replace(/(\.\d{3})\d*.*$/, '$1');
}
