import { CircleCheck, CircleX, Info, TriangleAlert } from 'lucide-react';
import { Link } from 'react-router';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { formatBytes, formatDuration, formatExact, formatRelative } from '../../text/format.ts';
import { type Text, useText } from '../../text/text.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { toLine } from './log-buffer.ts';
import { LogRow } from './log-row.tsx';
import { useLastLines } from './queries.ts';
import { explain, type Why } from './why.ts';

const icons = { good: CircleCheck, quiet: Info, warn: TriangleAlert, bad: CircleX } as const;

function words(t: Text, why: Why, container: ContainerDetail, language: string): string {
  const started = container.startedAt ?? 0;
  return t(`detail.why.${why.text}`, {
    when: formatRelative(started, Date.now(), language) ?? t('time.justNow'),
    limit: why.values?.limitBytes === undefined ? '' : formatBytes(why.values.limitBytes),
    signal: why.values?.signal ?? '',
    code: why.values?.code ?? '',
  });
}

/** Why it is in its state, with its last lines: nobody should have to read exit codes. */
export function WhyCard({ container }: { readonly container: ContainerDetail }) {
  const { t, language } = useText();
  const why = explain(container);
  const ended = container.state === 'exited';
  const Icon = icons[why.tone];
  const lifetime =
    ended && container.startedAt !== undefined && container.finishedAt !== undefined
      ? container.finishedAt - container.startedAt
      : undefined;
  return (
    <section className={`why why-${why.tone}`} aria-labelledby="why-title">
      <Icon size={20} aria-hidden className={`tone-${why.tone}`} />
      <div className="why-body">
        <h2 id="why-title">
          {why.title === undefined ? words(t, why, container, language) : t(`detail.why.${why.title}`)}
          {ended ? (
            <span className="why-meta">
              {t('detail.why.exitCode')} {container.exitCode ?? '–'}
              {lifetime === undefined ? '' : ` · ${t('detail.why.after', { duration: formatDuration(lifetime, language) })}`}
              {container.finishedAt === undefined ? '' : ` · ${formatExact(container.finishedAt, language)}`}
            </span>
          ) : null}
        </h2>
        {why.title === undefined ? null : <p>{words(t, why, container, language)}</p>}
        {container.error === '' ? null : (
          <p className="error-message" lang="en">
            {container.error} <CopyButton value={container.error} what={t('common.details')} />
          </p>
        )}
        {why.fix === undefined ? null : (
          <p>
            <strong>{t('common.whatToDo')}:</strong> {t(`detail.why.${why.fix}`)}
          </p>
        )}
        {container.restartCount > 0 ? <p className="muted">{t('detail.why.restarts', { count: container.restartCount })}</p> : null}
        {ended && container.host.logDriver !== 'none' ? <LastLines container={container} /> : null}
      </div>
    </section>
  );
}

function LastLines({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const query = useLastLines(container.id, true, container.finishedAt);
  if (query.isPending) return null;
  if (query.isError) return <p className="muted">{t('detail.why.linesFailed')}</p>;
  if (query.data.length === 0) return <p className="muted">{t('detail.why.noLines')}</p>;
  const decoder = new TextDecoder();
  return (
    <>
      <h3>
        {t('detail.why.lastLines')} <Link to={`/containers/${container.id}/log`}>{t('containers.openLog')}</Link>
      </h3>
      <div className="last-lines" tabIndex={0} role="region" aria-label={t('detail.why.lastLines')}>
        {query.data.map((entry, index) => (
          <LogRow
            key={`${entry.timestamp}-${String(index)}`}
            line={toLine(decoder.decode(entry.bytes), entry.timestamp, entry.source)}
            timestamps={false}
            query=""
            current={false}
          />
        ))}
      </div>
    </>
  );
}
