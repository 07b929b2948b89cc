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
export function ImageRemovalDialog({ rows, onClose }: { readonly rows: readonly ImageRow[]; onClose(): void }) {
  const { t } = useText();
  const containers = useContainers();
  const images = useMemo(() => [...new Map(rows.map((row) => [row.image.id, row.image])).values()], [rows]);
  const users = (image: ImageSummary) =>
    [...containers.value.byId.values()].filter((container) => container.imageId === image.id).map((container) => container.name);
  const removable = images.filter((image) => users(image).length === 0 && image.containers === 0);
  const count = removable.length;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('images.removeTitle', { count: images.length })}
      description={t('images.removeIntro')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            variant="danger"
            disabled={count === 0}
            onClick={() => {
              onClose();
              void removeImages(removable);
            }}
          >
            {t('images.removeConfirm', { count })}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('images.title')}>
        {images.map((image) => {
          const names = users(image);
          const used = Math.max(names.length, image.containers);
          return (
            <li key={image.id} className={used > 0 ? 'plan-blocked' : undefined}>
              <strong>{image.names.length > 0 ? image.names.join(', ') : shortId(image.id)}</strong>
              <span className="muted">
                {formatBytes(image.sizeBytes)}
                {used > 0 ? ` · ${t('images.removeInUse', { count: used, names: names.slice(0, 5).join(', ') })}` : ''}
              </span>
            </li>
          );
        })}
      </ul>
      {count < images.length ? <p className="warning-text">{t('images.removeBlocked')}</p> : null}
      {count > 0 ? (
        <p>
          {t('images.removeAgain')} {t('images.removeLocal')}
        </p>
      ) : null}
    </Dialog>
  );
}
