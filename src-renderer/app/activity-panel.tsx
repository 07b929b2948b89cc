import { Activity as ActivityIcon, X } from 'lucide-react';
import { Popover } from 'radix-ui';
import { activities, type Activity, cancelActivity, dismissFinished } from '../client/activity.ts';
import { useStore } from '../client/store.ts';
import { secondsLeft } from '../client/transfer.ts';
import { formatBytes, formatDuration } from '../text/format.ts';
import { useText } from '../text/text.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { ErrorWords } from '../ui/error-box.tsx';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { StepIcon } from '../ui/state-label.tsx';

/** All that goes on by itself, in one place. */
export function ActivityButton() {
  const { t } = useText();
  const list = useStore(activities);
  const running = list.filter((activity) => activity.state === 'running').length;
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className={running > 0 ? 'activity-button activity-on' : 'activity-button'}>
          <ActivityIcon size={15} aria-hidden className={running > 0 ? 'pulse' : undefined} />
          <span>{t('activity.title')}</span>
          <span>{running > 0 ? t('activity.running', { count: running }) : ''}</span>
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover activity-panel"
          align="end"
          sideOffset={6}
          aria-label={t('activity.title')}
          collisionPadding={8}
        >
          <div className="activity-top">
            <h2>{t('activity.title')}</h2>
            {list.length > running ? (
              <Button variant="quiet" onClick={dismissFinished}>
                {t('activity.clear')}
              </Button>
            ) : null}
          </div>
          {list.length === 0 ? <p className="muted">{t('activity.none')}</p> : null}
          <ul>
            {list.map((activity) => (
              <ActivityItem key={activity.id} activity={activity} />
            ))}
          </ul>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function ActivityItem({ activity }: { readonly activity: Activity }) {
  const { t, language } = useText();
  const title = t(`activity.${activity.kind}`, { subject: activity.subject });
  const { transfer } = activity;
  const left = secondsLeft(transfer);
  const duration = activity.finishedAtMs === undefined ? '' : formatDuration(activity.finishedAtMs - activity.startedAtMs, language);
  return (
    <li>
      <div className="activity-head">
        <StepIcon status={activity.state} />
        <span className="activity-title">{title}</span>
        {activity.state === 'running' ? (
          <IconButton
            icon={X}
            label={t('activity.cancelWhat', { what: title })}
            onClick={() => {
              cancelActivity(activity.id);
            }}
          />
        ) : (
          <span className="muted">
            {t(`activity.${activity.state}`)} · {duration}
          </span>
        )}
      </div>
      {activity.state === 'running' ? (
        <>
          <ProgressBar label={t('pull.progress', { name: activity.subject })} value={transfer.doneBytes} total={transfer.totalBytes} />
          <p className="muted numbers">
            {transfer.totalBytes > 0
              ? t('pull.ofTotal', { done: formatBytes(transfer.doneBytes), total: formatBytes(transfer.totalBytes) })
              : transfer.doneBytes > 0
                ? t('activity.written', { bytes: formatBytes(transfer.doneBytes) })
                : t(activity.kind === 'pull' || activity.kind === 'create' ? 'pull.resolving' : 'activity.beginning')}
            {transfer.bytesPerSecond === undefined ? '' : ` · ${t('pull.speed', { speed: formatBytes(transfer.bytesPerSecond) })}`}
            {left === undefined ? '' : ` · ${t('pull.left', { duration: formatDuration(Math.max(1, left) * 1000, language) })}`}
          </p>
        </>
      ) : null}
      {activity.error ? <ErrorWords error={activity.error} /> : null}
    </li>
  );
}
