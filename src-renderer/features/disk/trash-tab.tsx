import type { SortingState } from '@tanstack/react-table';
import { Trash2, Undo2 } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import type { TrashItem } from '../../../src-main/contract/trash.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { DataTable, type TableColumn } from '../../ui/data-table.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { ListBar } from '../../ui/list-bar.tsx';
import { NoMatch } from '../../ui/list-states.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { useRowTabIndex } from '../../ui/row-focus.ts';
import { RelativeTime } from '../../ui/time.tsx';
import { DeletionDialog } from './deletion-dialog.tsx';
import { KindLabel } from './kind-label.tsx';
import { ObjectName } from './object-name.tsx';
import { restoreItems, useTrash } from './queries.ts';
import { RestoreDialog } from './restore-dialog.tsx';
import { nameOfItem } from './trash-words.ts';

const none: readonly TrashItem[] = [];

export function TrashTab() {
  const { t } = useText();
  const query = useTrash();
  const [search, setSearch] = useState('');
  const [sorting, setSorting] = useState<SortingState>([{ id: 'removed', desc: true }]);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [deleting, setDeleting] = useState<readonly TrashItem[]>();
  const [renaming, setRenaming] = useState<TrashItem>();
  const restore = useCallback((items: readonly TrashItem[]) => {
    setSelection(new Set());
    void restoreItems(items).then(setRenaming);
  }, []);
  const columns = useColumns(restore, setDeleting);
  const all = query.data?.items ?? none;
  const rows = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    return all.filter((item) => [...item.names, item.object, item.image ?? ''].some((name) => name.toLowerCase().includes(wanted)));
  }, [all, search]);
  const selected = rows.filter(({ id }) => selection.has(id));
  if (query.isPending) return <Loading />;
  if (!query.data)
    return (
      <div className="tab-inset">
        <ErrorBox title={t('trash.failed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />
      </div>
    );
  const { keepDays, maximumBytes, totalBytes } = query.data;
  const terms = t('trash.kept', { count: keepDays, bytes: formatBytes(maximumBytes) });
  return (
    <>
      <ListBar
        className="disk-toolbar"
        {...(all.length === 0
          ? {}
          : { search: { label: t('trash.searchLabel'), placeholder: t('trash.searchPlaceholder'), value: search, onChange: setSearch } })}
        selectedCount={selected.length}
        onClearSelection={() => {
          setSelection(new Set());
        }}
        bulk={
          <>
            <Button
              icon={Undo2}
              onClick={() => {
                restore(selected);
              }}
            >
              {t('trash.bringBack')}
            </Button>
            <Button
              icon={Trash2}
              variant="danger"
              onClick={() => {
                setDeleting(selected);
              }}
            >
              {t('trash.deleteDots')}
            </Button>
          </>
        }
        note={all.length > 0 ? terms : ''}
        end={
          all.length > 0 ? (
            <Button
              icon={Trash2}
              variant="danger"
              onClick={() => {
                setDeleting(all);
              }}
            >
              {t('trash.emptyDots', { bytes: formatBytes(totalBytes) })}
            </Button>
          ) : undefined
        }
      />
      {rows.length > 0 ? (
        <DataTable
          label={t('disk.trash')}
          rows={rows}
          rowId={rowId}
          rowName={nameOfItem}
          columns={columns}
          selection={selection}
          onSelect={setSelection}
          onOpen={(item) => {
            restore([item]);
          }}
          onRowKey={(event, item) => {
            if (event.key !== 'Delete') return false;
            setDeleting(selected.length > 0 ? selected : [item]);
            return true;
          }}
          sorting={sorting}
          onSort={setSorting}
          hint={t('trash.keys')}
        />
      ) : all.length > 0 ? (
        <NoMatch
          title={t('trash.noMatch')}
          onClear={() => {
            setSearch('');
          }}
        />
      ) : (
        <FullState icon={Trash2} title={t('trash.empty')} hint={t('common.sentences', { first: t('trash.emptyHint'), second: terms })} />
      )}
      {deleting ? (
        <DeletionDialog
          items={deleting}
          onClose={() => {
            setDeleting(undefined);
            setSelection(new Set());
          }}
        />
      ) : null}
      {renaming ? (
        <RestoreDialog
          item={renaming}
          onClose={() => {
            setRenaming(undefined);
          }}
        />
      ) : null}
    </>
  );
}

const rowId = (item: TrashItem) => item.id;

function useColumns(
  onRestore: (items: readonly TrashItem[]) => void,
  onDelete: (items: readonly TrashItem[]) => void,
): readonly TableColumn<TrashItem>[] {
  const { t } = useText();
  return useMemo(
    () => [
      {
        id: 'kind',
        header: t('trash.columnKind'),
        width: '8rem',
        sortValue: (item) => t(`trash.kind.${item.kind}`),
        render: (item) => <KindLabel kind={item.kind} />,
      },
      {
        id: 'name',
        header: t('common.name'),
        sortValue: nameOfItem,
        render: (item) => (
          <span className="with-copy">
            <span className={item.names.length > 0 ? 'strong' : undefined}>
              <ObjectName
                name={item.kind === 'volume' ? nameOfItem(item) : (item.names[0] ?? '')}
                object={item.object}
                all={item.names.join(', ')}
              />
            </span>
            {item.names.length > 1 ? <span className="tag">+{item.names.length - 1}</span> : null}
          </span>
        ),
      },
      {
        id: 'size',
        header: t('disk.columnSize'),
        width: '6.5rem',
        align: 'end',
        sortValue: (item) => item.sizeBytes,
        render: (item) => formatBytes(item.sizeBytes),
      },
      {
        id: 'removed',
        header: t('trash.columnRemoved'),
        width: '8rem',
        sortValue: (item) => item.removedAt,
        render: (item) => <RelativeTime atMs={item.removedAt} />,
      },
      {
        id: 'expires',
        header: t('trash.columnExpires'),
        width: '8rem',
        needs: 'medium',
        sortValue: (item) => item.expiresAt,
        render: (item) => <RelativeTime atMs={item.expiresAt} ahead />,
      },
      {
        id: 'actions',
        header: t('common.actions'),
        width: '5.5rem',
        align: 'end',
        render: (item) => <Actions item={item} onRestore={onRestore} onDelete={onDelete} />,
      },
    ],
    [t, onRestore, onDelete],
  );
}

interface ActionsProps {
  readonly item: TrashItem;
  readonly onRestore: (items: readonly TrashItem[]) => void;
  readonly onDelete: (items: readonly TrashItem[]) => void;
}

function Actions({ item, onRestore, onDelete }: ActionsProps) {
  const { t } = useText();
  const tabIndex = useRowTabIndex();
  const name = nameOfItem(item);
  return (
    <span className="row-actions">
      <IconButton
        icon={Undo2}
        label={t('trash.bringBackWhat', { name })}
        tabIndex={tabIndex}
        onClick={() => {
          onRestore([item]);
        }}
      />
      <IconButton
        icon={Trash2}
        label={t('trash.deleteWhat', { name })}
        tabIndex={tabIndex}
        onClick={() => {
          onDelete([item]);
        }}
      />
    </span>
  );
}
