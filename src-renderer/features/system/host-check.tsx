import { CircleAlert, CircleCheck, RefreshCw } from 'lucide-react';
import type { CheckLine } from '../../../src-main/contract/system.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatDuration } from '../../text/format.ts';
import { checkWords } from './check-words.ts';
import type { en } from '../../text/en.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ErrorWords } from '../../ui/error-box.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { CheckLabel } from '../../ui/state-label.tsx';
import { useCheck } from './queries.ts';

const order = { missing: 0, degraded: 1, ok: 2 } as const;

/** The machine in words: what is missing comes first, with its fix. */
export function HostCheck() {
  const { t, language } = useText();
  const query = useCheck();
  if (query.isPending) return <Loading label={t('system.checkRunning')} />;
  if (query.isError) {
    return (
      <FullState icon={CircleAlert} tone="bad" title={t('system.checkFailed')} hint={<ErrorWords error={toEngineError(query.error)} />}>
        <Button onClick={() => void query.refetch()}>{t('common.retry')}</Button>
      </FullState>
    );
  }
  const lines = query.data.host.toSorted((a, b) => order[a.status] - order[b.status]);
  const count = (status: CheckLine['status']) => lines.filter((line) => line.status === status).length;
  const okCount = count('ok');
  const problems = lines.filter((line) => line.status !== 'ok');
  return (
    <div className="check">
      <div className="check-summary" role="status">
        <CheckLabel status={count('missing') > 0 ? 'missing' : count('degraded') > 0 ? 'degraded' : 'ok'} />
        <span>
          {problems.length === 0
            ? t('system.allOk')
            : t('system.summary', { missing: count('missing'), degraded: count('degraded'), ok: okCount })}
        </span>
        <span className="muted">{t('system.checkedIn', { duration: formatDuration(query.data.tookMs, language) })}</span>
        <Button variant="quiet" icon={RefreshCw} disabled={query.isFetching} onClick={() => void query.refetch()}>
          {query.isFetching ? t('system.checkRunning') : t('system.checkAgain')}
        </Button>
      </div>
      {problems.length === 0 ? null : (
        <ul className="check-lines">
          {problems.map((line) => (
            <CheckItem key={line.id} line={line} />
          ))}
        </ul>
      )}
      {okCount === 0 ? null : (
        <details className="check-passed">
          <summary>
            <CircleCheck size={15} aria-hidden className="tone-good" />
            {t('system.passed', { count: okCount })}
          </summary>
          <ul className="check-lines">
            {lines
              .filter((line) => line.status === 'ok')
              .map((line) => (
                <CheckItem key={line.id} line={line} />
              ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Lines whose title is no name of a program, by the engine's stable key. */
const translated: Readonly<Record<string, keyof typeof en.system.lines>> = {
  kernel: 'kernel',
  'user-namespaces': 'user_namespaces',
  subuid: 'subuid',
  subgid: 'subgid',
  cgroups: 'cgroups',
  overlay: 'overlay',
  tun: 'tun',
  'tool:seccomp.json': 'seccomp_json',
  'tool:policy.json': 'policy_json',
};

function CheckItem({ line }: { readonly line: CheckLine }) {
  const { t, language } = useText();
  const { value, why, fix } = checkWords(line, language);
  const title = translated[line.id];
  return (
    <li className={`check-line check-${line.status}`}>
      <CheckLabel status={line.status} />
      <div>
        <p>
          <strong>{title === undefined ? line.title : t(`system.lines.${title}`)}</strong>{' '}
          <span className="muted" lang={value.language}>
            {value.text}
          </span>
        </p>
        {line.status === 'ok' ? null : (
          <>
            <p className="muted" lang={why.language}>
              {why.text}
            </p>
            {fix.text === '' ? null : (
              <p>
                <strong>{t('system.fix')}:</strong> <span lang={fix.language}>{fix.text}</span>
              </p>
            )}
            {line.command === '' ? null : (
              <div className="command">
                <code>{line.command}</code>
                <CopyButton value={line.command} what={t('detail.command')} />
              </div>
            )}
          </>
        )}
      </div>
    </li>
  );
}
