import { useState } from 'react';
import type { PruneDone, PruneOrder } from '../../../src-main/contract/trash.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { RadioField } from '../../ui/field.tsx';
import type { PlanRow } from './plan.ts';
import { usePrune, useTrash } from './queries.ts';

interface PruneDialogProps {
  /** Fixed by who opens it: what is confirmed is what is shown. */
  readonly rows: readonly PlanRow[];
  /** What it frees, in words. */
  readonly bytes: string;
  readonly toOrder: (trash: boolean) => PruneOrder;
  readonly onClose: () => void;
  readonly onDone: (order: PruneOrder, result: PruneDone) => void;
}

export function PruneDialog({ rows, bytes, toOrder, onClose, onDone }: PruneDialogProps) {
  const { t } = useText();
  const [trash, setTrash] = useState(true);
  const [fixed] = useState(rows);
  const [order] = useState(() => toOrder);
  const prune = usePrune();
  const terms = useTrash().data;
  const count = fixed.length;
  const start = () => {
    const wanted = order(trash);
    prune.mutate(wanted, {
      onSuccess: (result) => {
        onDone(wanted, result);
      },
    });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('prune.title', { count })}
      description={t('common.sentences', { first: t('prune.intro'), second: bytes })}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="danger" disabled={prune.isPending} onClick={start}>
            {prune.isPending ? t('prune.running') : t(trash ? 'prune.confirmTrash' : 'prune.confirmDelete', { count })}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('prune.plan')}>
        {fixed.map((row) => (
          <li key={row.key}>
            <span>
              <strong>{row.name ?? t('disk.nameless', { id: row.shown })}</strong>
              <span className="plan-note">{t(`trash.kind.${row.kind}`)}</span>
            </span>
            <span className="muted numbers">{formatBytes(row.bytes)}</span>
          </li>
        ))}
      </ul>
      <fieldset className="radios">
        <legend className="visually-hidden">{t('prune.how')}</legend>
        <RadioField
          name="prune-how"
          label={t('prune.toTrash')}
          hint={terms ? t('prune.toTrashHint', { count: terms.keepDays }) : undefined}
          checked={trash}
          onChange={() => {
            setTrash(true);
          }}
        />
        <RadioField
          name="prune-how"
          label={t('prune.atOnce')}
          hint={t('prune.atOnceHint')}
          checked={!trash}
          onChange={() => {
            setTrash(false);
          }}
        />
      </fieldset>
      {prune.isError ? <ErrorBox title={t('prune.failed')} error={toEngineError(prune.error)} /> : null}
    </Dialog>
  );
}
