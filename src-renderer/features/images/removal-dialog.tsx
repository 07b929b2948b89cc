import { useMemo } from 'react';
import type { ImageSummary } from '../../../src-main/contract/image.ts';
import { useContainers } from '../../client/objects.ts';
import { formatBytes, shortId } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import type { ImageRow } from './columns.tsx';
import { removeImages } from './queries.ts';

/** The plan: every name and every container that goes or stays, before anything does. */
export function ImageRemovalDialog({ rows, onClose }: { readonly rows: readonly ImageRow[]; readonly onClose: () => void }) {
  const { t } = useText();
  const containers = useContainers();
  const plans = useMemo(() => toPlans(rows), [rows]);
  const users = (image: ImageSummary) =>
    [...containers.value.byId.values()].filter((container) => container.imageId === image.id).map((container) => container.name);
  const removable = plans.filter(({ image }) => users(image).length === 0 && image.containers === 0);
  const count = removable.length;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={count === 0 ? t('images.removeNothing') : t('images.removeTitle', { count: plans.length })}
      description={count === 0 ? undefined : t('images.removeIntro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t(count === 0 ? 'common.close' : 'common.cancel')}
          </Button>
          {count === 0 ? null : (
            <Button
              variant="danger"
              onClick={() => {
                onClose();
                void removeImages(removable.map(({ image, names }) => ({ id: image.id, names })));
              }}
            >
              {t('images.removeConfirm', { count })}
            </Button>
          )}
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('images.title')}>
        {plans.map(({ image, names, stays }) => {
          const userNames = users(image);
          const used = Math.max(userNames.length, image.containers);
          return (
            <li key={image.id} className={used > 0 ? 'plan-blocked' : undefined}>
              <span>
                <strong>{names.length > 0 ? names.join(', ') : shortId(image.id)}</strong>
                {used > 0 ? (
                  <span className="plan-note">{t('images.removeInUse', { count: used, names: userNames.slice(0, 5).join(', ') })}</span>
                ) : null}
                {stays.length > 0 ? <span className="plan-note">{t('images.removeStays', { names: stays.join(', ') })}</span> : null}
              </span>
              <span className="muted numbers">{used > 0 ? t('common.kept') : formatBytes(image.sizeBytes)}</span>
            </li>
          );
        })}
      </ul>
      {count < plans.length ? <p className="warning-text">{t('images.removeBlocked')}</p> : null}
      {count > 0 ? <p>{t('images.goesToTrash', { count })}</p> : null}
    </Dialog>
  );
}

interface Plan {
  readonly image: ImageSummary;
  /** The names that go. */
  readonly names: readonly string[];
  /** The names that it keeps. */
  readonly stays: readonly string[];
}

function toPlans(rows: readonly ImageRow[]): readonly Plan[] {
  const images = new Map(rows.map((row) => [row.image.id, row.image]));
  return [...images.values()].map((image) => {
    const names = rows.filter((row) => row.image.id === image.id && row.name !== '').map((row) => row.name);
    return { image, names, stays: image.names.filter((name) => !names.includes(name)) };
  });
}
