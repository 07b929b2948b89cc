import type { SortingState } from '@tanstack/react-table';
import { Eraser } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { DiskUsage } from '../../../src-main/contract/system.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes, formatCount, shortId } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { DataTable, type TableColumn } from '../../ui/data-table.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Loading } from '../../ui/page.tsx';
import { Segmented } from '../../ui/search-box.tsx';
import { ShareBar } from '../../ui/share-bar.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { ObjectName } from './object-name.tsx';
import { useDiskUsage } from './queries.ts';
import { type Shares, sharesOf } from './shares.ts';

type Measured = DiskUsage & { readonly freeBytes: number };

export function UsageTab() {
  const { t } = useText();
  const query = useDiskUsage();
  if (query.isPending) return <Loading label={t('disk.measuring')} />;
  if (!query.data)
    return (
      <div className="tab-inset">
        <ErrorBox title={t('disk.failed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />
      </div>
    );
  return (
    <>
      <Overview usage={query.data} />
      <Objects usage={query.data} />
    </>
  );
}

function Overview({ usage }: { readonly usage: Measured }) {
  const { t } = useText();
  const shares = sharesOf(usage);
  const parts = [
    { key: 'shared', label: t('disk.shared'), value: shares.sharedBytes },
    { key: 'exclusive', label: t('disk.exclusive'), value: shares.exclusiveBytes },
    { key: 'containers', label: t('disk.containers'), value: shares.containerBytes },
    { key: 'volumes', label: t('disk.volumes'), value: shares.volumeBytes },
    { key: 'trash', label: t('disk.trash'), value: shares.trashBytes },
  ];
  return (
    <div className="disk-overview">
      <div className="disk-head">
        <p>
          <strong>{t('disk.used', { bytes: formatBytes(shares.totalBytes) })}</strong>{' '}
          <span className="muted">{t('disk.free', { bytes: formatBytes(usage.freeBytes) })}</span>
        </p>
        <Link className="button button-primary" to="/disk?view=prune">
          <Eraser size={15} aria-hidden />
          <span>{t('disk.prune')}</span>
        </Link>
      </div>
      <ShareBar label={t('disk.chart')} parts={parts} format={formatBytes} />
      <SharesTable usage={usage} shares={shares} />
    </div>
  );
}

function SharesTable({ usage, shares }: { readonly usage: Measured; readonly shares: Shares }) {
  const { t, language } = useText();
  const { reclaimable, trash } = usage;
  const lines = [
    {
      key: 'images',
      swatches: [],
      name: t('disk.images'),
      note: (
        <>
          <i className="swatch share-shared" aria-hidden /> {t('disk.sharedNote', { bytes: formatBytes(shares.sharedBytes) })}{' '}
          <i className="swatch share-exclusive" aria-hidden /> {t('disk.exclusiveNote', { bytes: formatBytes(shares.exclusiveBytes) })}
        </>
      ),
      count: usage.images.length,
      bytes: shares.sharedBytes + shares.exclusiveBytes,
      freed: reclaimable.imageBytes,
    },
    {
      key: 'leftovers',
      swatches: [],
      name: t('disk.leftovers'),
      note: t('disk.leftoversNote'),
      count: shares.leftovers.count,
      bytes: shares.leftovers.bytes,
      freed: shares.leftovers.bytes,
    },
    {
      key: 'containers',
      swatches: ['containers'],
      name: t('disk.containers'),
      note: t('disk.containersNote'),
      count: usage.containers.length,
      bytes: shares.containerBytes,
      freed: reclaimable.containerBytes,
    },
    {
      key: 'volumes',
      swatches: ['volumes'],
      name: t('disk.volumes'),
      note: t('disk.volumesNote'),
      count: usage.volumes.length,
      bytes: shares.volumeBytes,
      freed: reclaimable.volumeBytes,
    },
    {
      key: 'trash',
      swatches: ['trash'],
      name: t('disk.trash'),
      note: <Link to="/disk?view=trash">{t('disk.toTrash')}</Link>,
      count: trash.entries,
      bytes: shares.trashBytes,
      freed: shares.trashBytes,
    },
  ];
  return (
    <table className="plain-table disk-table">
      <thead>
        <tr>
          <th scope="col">{t('disk.columnWhat')}</th>
          <th scope="col" className="cell-end">
            {t('disk.columnCount')}
          </th>
          <th scope="col" className="cell-end">
            {t('disk.columnSize')}
          </th>
          <th scope="col" className="cell-end">
            {t('disk.columnFreed')}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.key} className={line.key === 'leftovers' ? 'disk-part' : undefined}>
            <th scope="row">
              {line.swatches.map((swatch) => (
                <i key={swatch} className={`swatch share-${swatch}`} aria-hidden />
              ))}
              <span className="disk-name">{line.name}</span> <span className="disk-note">{line.note}</span>
            </th>
            <td className="cell-end">{formatCount(line.count, language)}</td>
            <td className="cell-end">{formatBytes(line.bytes)}</td>
            <td className="cell-end">{line.freed === 0 ? <span className="muted">–</span> : formatBytes(line.freed)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Kind = 'images' | 'containers' | 'volumes';

interface ObjectRow {
  readonly id: string;
  /** Empty: it has none. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sharedBytes?: number;
  readonly uniqueBytes?: number;
  readonly users?: number;
  readonly createdAt?: number;
}

function toRows(usage: DiskUsage, kind: Kind): readonly ObjectRow[] {
  switch (kind) {
    case 'images':
      return usage.images.map((image) => ({
        ...{ id: image.id, name: image.names[0] ?? '', path: `/images/${image.id}`, users: image.containers },
        ...{ sizeBytes: image.sizeBytes, sharedBytes: image.sharedBytes, uniqueBytes: image.uniqueBytes, createdAt: image.createdAt },
      }));
    case 'containers':
      return usage.containers.map(({ id, name, sizeBytes, createdAt }) => ({ id, name, path: `/containers/${id}`, sizeBytes, createdAt }));
    case 'volumes':
      return usage.volumes.map(({ name, sizeBytes, links }) => ({ id: name, name, path: '/volumes', sizeBytes, users: links }));
  }
}

/** One by one, the largest first. */
function Objects({ usage }: { readonly usage: DiskUsage }) {
  const { t } = useText();
  const [kind, setKind] = useState<Kind>('images');
  const [sorting, setSorting] = useState<SortingState>([{ id: 'size', desc: true }]);
  const rows = useMemo(() => toRows(usage, kind), [usage, kind]);
  const columns = useColumns(kind);
  return (
    <>
      <div className="toolbar disk-toolbar">
        <h2>{t('disk.oneByOne')}</h2>
        <Segmented
          label={t('disk.oneByOne')}
          value={kind}
          options={[
            { value: 'images', label: t('disk.images') },
            { value: 'containers', label: t('disk.containers') },
            { value: 'volumes', label: t('disk.volumes') },
          ]}
          onChange={setKind}
        />
      </div>
      {rows.length > 0 ? (
        <DataTable
          key={kind}
          label={t(`disk.${kind}`)}
          rows={rows}
          rowId={rowId}
          rowName={rowName}
          columns={columns}
          sorting={sorting}
          onSort={setSorting}
        />
      ) : (
        <p className="muted disk-none">{t(`disk.none.${kind}`)}</p>
      )}
    </>
  );
}

const rowId = (row: ObjectRow) => row.id;
const rowName = (row: ObjectRow) => (row.name === '' ? shortId(row.id) : row.name);

function useColumns(kind: Kind): readonly TableColumn<ObjectRow>[] {
  const { t } = useText();
  return useMemo(() => {
    const bytes = (id: string, header: string, of: (row: ObjectRow) => number | undefined): TableColumn<ObjectRow> => ({
      ...{ id, header, width: '6.5rem', align: 'end', sortValue: of },
      render: (row) => formatBytes(of(row) ?? 0),
    });
    const images = kind === 'images';
    return [
      {
        id: 'name',
        header: t('common.name'),
        sortValue: (row) => (row.name === '' ? undefined : row.name),
        render: (row) => (
          <Link className="row-link" to={row.path} tabIndex={-1}>
            <ObjectName name={row.name} object={row.id} />
          </Link>
        ),
      },
      bytes('size', t('disk.columnSize'), (row) => row.sizeBytes),
      ...(images
        ? [
            bytes('shared', t('disk.columnShared'), (row: ObjectRow) => row.sharedBytes),
            bytes('exclusive', t('disk.columnExclusive'), (row: ObjectRow) => row.uniqueBytes),
          ]
        : []),
      ...(kind === 'containers'
        ? []
        : [
            {
              ...{ id: 'users', header: t('images.columnContainers'), width: '6.5rem', align: 'end' as const },
              sortValue: (row: ObjectRow) => row.users,
              render: (row: ObjectRow) => (row.users === 0 ? <span className="muted">0</span> : row.users),
            },
          ]),
      ...(kind === 'volumes'
        ? []
        : [
            {
              ...{ id: 'created', header: t('images.columnCreated'), width: '8rem', needs: 'medium' as const },
              sortValue: (row: ObjectRow) => row.createdAt,
              render: (row: ObjectRow) => <RelativeTime atMs={row.createdAt} />,
            },
          ]),
    ];
  }, [t, kind]);
}
