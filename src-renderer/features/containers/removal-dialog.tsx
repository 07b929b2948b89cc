import { useState } from 'react';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { CheckField } from '../../ui/field.tsx';
import { FrontClipped } from '../../ui/front-clipped.tsx';
import { StateLabel } from '../../ui/state-label.tsx';
import { type AnonymousVolume, perform, useAnonymousVolumes } from './queries.ts';
import { isUp, shortImageName } from './verbs.ts';

interface RemovalDialogProps {
  /** What is to be removed; fixed when it is opened, so that what is confirmed is what was shown. */
  readonly containers: readonly ContainerSummary[];
  readonly onClose: () => void;
  readonly onRemoved?: () => void;
}

/** The plan of a removal: what will be gone, by name, before anything is. */
export function RemovalDialog({ containers, onClose, onRemoved }: RemovalDialogProps) {
  const { t } = useText();
  const [keep, setKeep] = useState(false);
  const volumes = useAnonymousVolumes(containers, true);
  const count = containers.length;
  const running = containers.filter((container) => isUp(container.state)).length;
  const withVolumes = volumes.data ?? [];
  const confirm = () => {
    onClose();
    void perform('remove', containers, { removeVolumes: withVolumes.length > 0 && !keep }).then(onRemoved);
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('removal.title', { count })}
      description={t('removal.intro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="danger" disabled={volumes.isPending} onClick={confirm}>
            {t('removal.confirm', { count })}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('containers.title')}>
        {containers.map((container) => (
          <li key={container.id}>
            <strong>{container.name}</strong>
            <span className="muted plan-image">
              <FrontClipped text={shortImageName(container.imageName)} title={container.imageName} />
            </span>
            <StateLabel state={container.state} exitCode={container.exitCode} />
          </li>
        ))}
      </ul>
      {running > 0 ? <p className="warning-text">{t('removal.runningWarning', { count: running })}</p> : null}
      {volumes.isPending ? <p className="muted">{t('removal.volumesUnknown')}</p> : null}
      {volumes.isError ? <p className="warning-text">{t('removal.volumesFailed')}</p> : null}
      {withVolumes.length > 0 ? <VolumePlan volumes={withVolumes} keep={keep} onKeep={setKeep} /> : null}
      <p>{t('removal.goesToTrash', { count })}</p>
    </Dialog>
  );
}

interface VolumePlanProps {
  readonly volumes: readonly AnonymousVolume[];
  readonly keep: boolean;
  readonly onKeep: (keep: boolean) => void;
}

function VolumePlan({ volumes, keep, onKeep }: VolumePlanProps) {
  const { t } = useText();
  return (
    <>
      <p>{t('removal.anonymousVolumes', { count: volumes.length })}</p>
      <ul className={keep ? 'plan plan-kept' : 'plan'} tabIndex={0} aria-label={t('app.volumes')}>
        {volumes.map(({ container, volume }) => (
          <li key={volume}>
            <code className="clip">{volume}</code>
            <span className="muted">{container}</span>
          </li>
        ))}
      </ul>
      <CheckField
        label={t('removal.keepVolumes')}
        checked={keep}
        onChange={(event) => {
          onKeep(event.target.checked);
        }}
      />
    </>
  );
}
