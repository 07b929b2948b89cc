import type { LucideIcon } from 'lucide-react';
import { useEffect } from 'react';
import { activities, cancelActivity, lookAt } from '../client/activity.ts';
import { useSelected } from '../client/store.ts';
import { useText } from '../text/text.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TransferProgress } from './transfer-progress.tsx';

export interface NextStep {
  readonly label: string;
  readonly icon: LucideIcon;
  readonly act: (subject: string) => void;
}

interface TransferDialogProps {
  readonly activityId: number;
  readonly onClose: () => void;
  /** Back to the form, with what was typed. */
  readonly onAgain: () => void;
  /** What comes next when it is done. */
  readonly done?: NextStep;
}

/** How a pull, push, save, load, commit, import or export goes. Closing it stops nothing. */
export function TransferDialog({ activityId, onClose, onAgain, done }: TransferDialogProps) {
  const { t } = useText();
  const activity = useSelected(activities, (list) => list.find((entry) => entry.id === activityId));
  useEffect(() => lookAt(activityId), [activityId]);
  if (!activity) return null;
  const running = activity.state === 'running';
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={t(`activity.${activity.kind}`, { subject: activity.subject })}
      description={running ? t('pull.backgroundHint') : t(`activity.${activity.state}`)}
      footer={
        running ? (
          <>
            <Button
              onClick={() => {
                cancelActivity(activityId);
              }}
            >
              {activity.kind === 'pull' ? t('pull.cancel') : t('activity.cancelThis')}
            </Button>
            <Button variant="primary" onClick={onClose}>
              {t('pull.background')}
            </Button>
          </>
        ) : (
          <>
            {activity.state === 'done' ? null : <Button onClick={onAgain}>{t('common.retry')}</Button>}
            <Button onClick={onClose}>{t('common.close')}</Button>
            {done && activity.state === 'done' ? (
              <Button
                variant="primary"
                icon={done.icon}
                onClick={() => {
                  done.act(activity.subject);
                }}
              >
                {done.label}
              </Button>
            ) : null}
          </>
        )
      }
    >
      <TransferProgress activity={activity} />
    </Dialog>
  );
}
