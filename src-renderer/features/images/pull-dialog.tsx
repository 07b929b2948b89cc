import { Download, Play } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import { activities, cancelActivity, lookAt } from '../../client/activity.ts';
import { useSelected } from '../../client/store.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { startPull } from './queries.ts';
import { PullProgress } from './pull-progress.tsx';

interface PullForm {
  readonly reference: string;
  readonly platform: string;
  readonly user: string;
  readonly password: string;
}

/** Asks what to pull, then shows how it goes. Closing it stops nothing. */
export function PullDialog({ reference, onClose }: { readonly reference: string; readonly onClose: () => void }) {
  const { t } = useText();
  const [activityId, setActivityId] = useState<number>();
  const form = useForm<PullForm>({ defaultValues: { reference, platform: '', user: '', password: '' } });
  const submit = form.handleSubmit((values) => {
    const { id } = startPull({
      reference: values.reference.trim(),
      ...(values.platform === '' ? {} : { platform: values.platform.trim() }),
      ...(values.user === '' ? {} : { credentials: `${values.user}:${values.password}` }),
    });
    setActivityId(id);
  });
  if (activityId !== undefined)
    return (
      <RunningPull
        activityId={activityId}
        onClose={onClose}
        onAgain={() => {
          setActivityId(undefined);
        }}
      />
    );
  const { errors } = form.formState;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('pull.title')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={Download} type="submit" form="pull-form">
            {t('pull.start')}
          </Button>
        </>
      }
    >
      <form id="pull-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('pull.reference')}
          hint={t('pull.referenceHint')}
          error={errors.reference?.message}
          {...form.register('reference', {
            validate: (value) =>
              value.trim() === '' ? t('pull.referenceNeeded') : /\s/.test(value.trim()) ? t('pull.referenceSpace') : true,
          })}
        />
        <details>
          <summary>{t('pull.more')}</summary>
          <div className="stack">
            <Field
              label={t('pull.platform')}
              hint={t('pull.platformHint')}
              error={errors.platform?.message}
              {...form.register('platform', {
                validate: (value) =>
                  value.trim() === '' || /^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/.test(value.trim()) || t('pull.platformForm'),
              })}
            />
            <div className="columns-2">
              <Field label={t('pull.user')} {...form.register('user')} />
              <Field label={t('pull.password')} type="password" {...form.register('password')} />
            </div>
            <p className="field-hint">{t('pull.credentialsHint')}</p>
          </div>
        </details>
      </form>
    </Dialog>
  );
}

function RunningPull({
  activityId,
  onClose,
  onAgain,
}: {
  readonly activityId: number;
  readonly onClose: () => void;
  readonly onAgain: () => void;
}) {
  const { t } = useText();
  const navigate = useNavigate();
  const activity = useSelected(activities, (list) => list.find((entry) => entry.id === activityId));
  useEffect(() => lookAt(activityId), [activityId]);
  if (!activity) return null;
  const running = activity.state === 'running';
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={t('activity.pull', { subject: activity.subject })}
      description={running ? t('pull.backgroundHint') : t(`activity.${activity.state}`)}
      footer={
        running ? (
          <>
            <Button
              onClick={() => {
                cancelActivity(activityId);
              }}
            >
              {t('pull.cancel')}
            </Button>
            <Button variant="primary" onClick={onClose}>
              {t('pull.background')}
            </Button>
          </>
        ) : (
          <>
            {activity.state === 'done' ? null : <Button onClick={onAgain}>{t('common.retry')}</Button>}
            <Button onClick={onClose}>{t('common.close')}</Button>
            {activity.state === 'done' ? (
              <Button variant="primary" icon={Play} onClick={() => void navigate(`/run?image=${encodeURIComponent(activity.subject)}`)}>
                {t('pull.run')}
              </Button>
            ) : null}
          </>
        )
      }
    >
      <PullProgress activity={activity} />
    </Dialog>
  );
}
