import { useMemo } from 'react';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import type { TableColumn } from '../../ui/data-table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { KindLabel } from './kind-label.tsx';
import { ObjectName } from './object-name.tsx';
import type { PlanRow } from './plan.ts';

export function usePlanColumns(): readonly TableColumn<PlanRow>[] {
  const { t } = useText();
  return useMemo(
    () => [
      {
        id: 'kind',
        header: t('trash.columnKind'),
        width: '7.5rem',
        sortValue: (row) => t(`trash.kind.${row.kind}`),
        render: (row) => <KindLabel kind={row.kind} />,
      },
      {
        id: 'name',
        header: t('common.name'),
        sortValue: (row) => row.shown,
        render: (row) => (
          <span className={row.name === undefined ? undefined : 'strong'}>
            <ObjectName name={row.name ?? ''} object={row.object} />
          </span>
        ),
      },
      {
        id: 'usedBy',
        header: t('prune.columnUsedBy'),
        needs: 'medium',
        width: '22%',
        render: (row) =>
          row.usedBy.length === 0 ? (
            <span className="muted">{t('volumes.unused')}</span>
          ) : (
            <span className="clip" title={row.usedBy.join(', ')}>
              {t('prune.alsoPlanned', { names: row.usedBy.join(', ') })}
            </span>
          ),
      },
      {
        id: 'used',
        header: t('prune.columnLastUsed'),
        width: '8rem',
        sortValue: (row) => row.lastUsedAt,
        render: (row) => <RelativeTime atMs={row.lastUsedAt} />,
      },
      {
        id: 'size',
        header: t('prune.columnFrees'),
        width: '6.5rem',
        align: 'end',
        sortValue: (row) => row.bytes,
        render: (row) => formatBytes(row.bytes),
      },
    ],
    [t],
  );
}
