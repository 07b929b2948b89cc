import type { TrashItem } from '../../../src-main/contract/trash.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { deleteForGood } from './queries.ts';
import { nameOfItem } from './trash-words.ts';

/** The only step in the window that cannot be taken back: it names everything first. */
export function DeletionDialog({ items, onClose }: { readonly items: readonly TrashItem[]; readonly onClose: () => void }) {
  const { t } = useText();
  const count = items.length;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('trash.deleteTitle', { count })}
      description={t('trash.deleteIntro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="danger"
            onClick={() => {
              onClose();
              void deleteForGood(items);
            }}
          >
            {t('trash.deleteConfirm', { count })}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('disk.trash')}>
        {items.map((item) => (
          <li key={item.id}>
            <span>
              <strong>{item.names.length > 0 ? item.names.join(', ') : nameOfItem(item)}</strong>
              <span className="plan-note">{t(`trash.kind.${item.kind}`)}</span>
            </span>
            <span className="muted numbers">{formatBytes(item.sizeBytes)}</span>
          </li>
        ))}
      </ul>
      <p className="warning-text">{t('removal.cannotBeUndone')}</p>
    </Dialog>
  );
}
