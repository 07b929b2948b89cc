import { ExternalLink, Play } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { EngineError } from '../../../src-main/base/errors.ts';
import { openPage, urlOfPort } from '../../client/links.ts';
import { notifyFailure, toEngineError } from '../../client/notices.ts';
import { formatDuration } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Page } from '../../ui/page.tsx';
import { StepIcon, type StepStatus } from '../../ui/state-label.tsx';
import { HostCheck } from './host-check.tsx';
import { type FirstContainer, type FirstRunStep, firstRunSteps, runFirstContainer, useCheck } from './queries.ts';

interface Progress {
  /** When each step began; the next one's beginning is its end. */
  readonly beganMs: Partial<Record<FirstRunStep, number>>;
  readonly endedMs?: number;
  readonly result?: FirstContainer;
  readonly error?: EngineError;
}

export function FirstRunPage() {
  const { t } = useText();
  const [progress, setProgress] = useState<Progress>();
  const check = useCheck();
  const blocked = check.data?.host.some((line) => line.status === 'missing') === true;
  const start = () => {
    setProgress({ beganMs: {} });
    const change = (patch: (now: Progress) => Progress) => {
      setProgress((now) => patch(now ?? { beganMs: {} }));
    };
    runFirstContainer((step) => {
      const at = performance.now();
      change((now) => ({ ...now, beganMs: { ...now.beganMs, [step]: at } }));
    }).then(
      (result) => {
        change((now) => ({ ...now, result, endedMs: performance.now() }));
      },
      (error: unknown) => {
        change((now) => ({ ...now, error: toEngineError(error), endedMs: performance.now() }));
      },
    );
  };
  const running = progress !== undefined && progress.endedMs === undefined;
  return (
    <Page title={t('first.title')}>
      <div className="first-run">
        <p className="lead">{t('first.intro')}</p>
        <Step number={1} title={t('first.step1')}>
          <HostCheck />
        </Step>
        <Step number={2} title={t('first.step2')}>
          <p>{t('first.runIntro')}</p>
          {blocked && !progress ? <p className="warning-text">{t('first.blocked')}</p> : null}
          <p>
            <Button variant={progress?.result ? 'normal' : 'primary'} icon={Play} disabled={running} onClick={start}>
              {progress?.result ? t('first.again') : t('first.start')}
            </Button>
          </p>
          {progress ? <Steps progress={progress} /> : null}
          {progress?.error ? <ErrorBox title={t('first.failedTitle')} error={progress.error} onRetry={start} /> : null}
          {progress?.result ? <Result container={progress.result} /> : null}
        </Step>
        <Step number={3} title={t('first.step3')}>
          <p>{t('first.nextIntro')}</p>
          <ul className="next-steps">
            <li>
              {progress?.result ? (
                <Link to={`/containers/${progress.result.id}/log`}>{t('first.nextLog')}</Link>
              ) : (
                <span>{t('first.nextLog')}</span>
              )}
            </li>
            <li>
              <Link to="/images?pull">{t('first.nextPull')}</Link>
            </li>
            <li>
              <Link to="/run">{t('first.nextRun')}</Link>
            </li>
            <li>
              <Link to="/containers">{t('first.nextList')}</Link>
            </li>
            <li>{t('first.nextKeys')}</li>
          </ul>
        </Step>
      </div>
    </Page>
  );
}

function Step({ number, title, children }: { readonly number: number; readonly title: string; readonly children: React.ReactNode }) {
  return (
    <section className="step">
      <h2>
        <span className="step-number" aria-hidden>
          {number}
        </span>
        {title}
      </h2>
      <div>{children}</div>
    </section>
  );
}

function Steps({ progress }: { readonly progress: Progress }) {
  const { t, language } = useText();
  return (
    <ol className="run-steps" aria-live="polite">
      {firstRunSteps.map((step, index) => {
        const began = progress.beganMs[step];
        const next = firstRunSteps[index + 1];
        const ended = (next === undefined ? undefined : progress.beganMs[next]) ?? progress.endedMs;
        const last = next === undefined || progress.beganMs[next] === undefined;
        const status: StepStatus =
          began === undefined ? 'waiting' : ended === undefined ? 'running' : progress.error && last ? 'failed' : 'done';
        return (
          <li key={step}>
            <StepIcon status={status} />
            <span>{t(`first.steps.${step}`)}</span>
            <span className="muted numbers">
              {status === 'waiting' || began === undefined
                ? t('first.waiting')
                : ended === undefined
                  ? t('first.running')
                  : `${t(status === 'failed' ? 'first.failed' : 'first.done')} · ${formatDuration(ended - began, language)}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Result({ container }: { readonly container: FirstContainer }) {
  const { t } = useText();
  const url = container.port ? urlOfPort(container.port) : '';
  return (
    <div className="result" role="status">
      <p>
        <strong>{t('first.ready')}</strong>
      </p>
      {url === '' ? null : (
        <a
          className="button button-primary"
          href={url}
          target="_blank"
          rel="noreferrer"
          title={t('common.opensInBrowser')}
          onClick={(event) => {
            event.preventDefault();
            openPage(url).catch((error: unknown) => {
              notifyFailure(url, error);
            });
          }}
        >
          <ExternalLink size={15} aria-hidden />
          <span>
            {t('first.open')} ({url.replace(/^https?:\/\//, '').replace(/\/$/, '')})
          </span>
        </a>
      )}
      <Link className="button button-normal" to={`/containers/${container.id}`}>
        {t('first.see')}: {container.name}
      </Link>
    </div>
  );
}
