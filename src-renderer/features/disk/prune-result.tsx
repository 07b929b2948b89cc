import { CircleCheck, TriangleAlert, Undo2, X } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { PruneDone, PruneOrder, PrunePlan } from '../../../src-main/contract/trash.ts';
import type { Removed } from '../../client/removed.ts';
import { formatBytes, shortId } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { planRows } from './plan.ts';
import { undoRemoval } from './queries.ts';

interface PruneResultProps {
  readonly order: PruneOrder;
  readonly plan: PrunePlan;
  readonly result: PruneDone;
  readonly onClose: () => void;
}

/** What went, what did not and why, and the way back. */
export function PruneResult({ order, plan, result, onClose }: PruneResultProps) {
  const { t } = useText();
  const [busy, setBusy] = useState(false);
  const removed = toRemoved(plan, result);
  const names = new Map(planRows(plan).map((row) => [row.object, row.shown]));
  const { skipped } = result;
  const Icon = skipped.length > 0 ? TriangleAlert : CircleCheck;
  const summary = t(order.trash ? 'prune.doneTrash' : 'prune.doneDeleted', {
    count: removed.length,
    bytes: formatBytes(result.reclaimedBytes),
  });
  return (
    <section className="prune-result" aria-label={t('prune.result')} role="status">
      <Icon size={17} aria-hidden className={skipped.length > 0 ? 'tone-warn' : 'tone-good'} />
      <div>
        <p className="strong">{summary}</p>
        {order.trash && removed.length > 0 ? (
          <p>
            {t('prune.spaceLater')} <Link to="/disk?view=trash">{t('disk.toTrash')}</Link>
          </p>
        ) : null}
        {skipped.length > 0 ? (
          <>
            <p>{t('prune.skipped', { count: skipped.length })}</p>
            <ul className="prune-skipped">
              {skipped.map(({ object, message }) => (
                <li key={object}>
                  <strong>{names.get(object) ?? shortId(object)}</strong> <span lang="en">{message}</span>
                </li>
              ))}
            </ul>
          </>
        ) : null}
      </div>
      {order.trash && removed.length > 0 ? (
        <Button
          icon={Undo2}
          disabled={busy}
          onClick={() => {
            setBusy(true);
            void undoRemoval(removed).then(onClose);
          }}
        >
          {t('trash.bringBack')}
        </Button>
      ) : null}
      <IconButton icon={X} label={t('common.close')} onClick={onClose} />
    </section>
  );
}

function toRemoved(plan: PrunePlan, { containers, volumes, images }: PruneDone): readonly Removed[] {
  const named = new Map(plan.containers.map(({ id, name }) => [id as string, [name]]));
  const tagged = new Map(plan.images.map((image) => [image.id as string, image.names]));
  return [
    ...images.map((object) => ({ kind: 'image' as const, object, names: tagged.get(object) ?? [] })),
    ...volumes.map((object) => ({ kind: 'volume' as const, object, names: [object] })),
    ...containers.map((object) => ({ kind: 'container' as const, object, names: named.get(object) ?? [] })),
  ];
}
