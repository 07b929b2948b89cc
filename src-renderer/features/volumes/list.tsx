import type { SortingState } from '@tanstack/react-table';
import { Database, RefreshCw, Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { VolumeSummary } from '../../../src-main/contract/volume.ts';
import { toEngineError } from '../../client/notices.ts';
import { useContainers } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { DataTable, type TableColumn } from '../../ui/data-table.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ListBar } from '../../ui/list-bar.tsx';
import { Failed, NoMatch } from '../../ui/list-states.tsx';
import { FullState, Loading, Page } from '../../ui/page.tsx';
import { useRowTabIndex } from '../../ui/row-focus.ts';
import { RelativeTime } from '../../ui/time.tsx';
import { removeVolumes, useVolumes } from './queries.ts';

function useUserNames(): (volume: VolumeSummary) => string {
  const { byId } = useContainers().value;
  return useMemo(() => (volume) => volume.usedBy.map((id) => byId.get(id)?.name ?? id.slice(0, 12)).join(', '), [byId]);
}

function RemoveCell({
  volume,
  onRemove,
}: {
  readonly volume: VolumeSummary;
  readonly onRemove: (volumes: readonly VolumeSummary[]) => void;
}) {
  const { t } = useText();
  return (
    <IconButton
      icon={Trash2}
      label={`${t('common.remove')} ${volume.name}`}
      tabIndex={useRowTabIndex()}
      onClick={() => {
        onRemove([volume]);
      }}
    />
  );
}

function useColumns(onRemove: (volumes: readonly VolumeSummary[]) => void): readonly TableColumn<VolumeSummary>[] {
  const { t } = useText();
  const userNames = useUserNames();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('volumes.columnName'),
        sortValue: (volume) => volume.name,
        render: (volume) => (
          <span className="with-copy">
            <span className="clip strong" title={volume.name}>
              {volume.name}
            </span>
            {volume.anonymous ? <span className="tag">{t('volumes.anonymous')}</span> : null}
            <CopyButton value={volume.name} what={t('common.name')} />
          </span>
        ),
      },
      {
        id: 'usedBy',
        header: t('volumes.columnUsedBy'),
        sortValue: (volume) => volume.usedBy.length,
        render: (volume) =>
          volume.usedBy.length === 0 ? (
            <span className="muted">{t('volumes.unused')}</span>
          ) : (
            <span className="clip" title={userNames(volume)}>
              {userNames(volume)}
            </span>
          ),
      },
      {
        id: 'created',
        header: t('volumes.columnCreated'),
        width: '9rem',
        sortValue: (volume) => volume.createdAt,
        render: (volume) => <RelativeTime atMs={volume.createdAt} />,
      },
      {
        id: 'path',
        header: t('volumes.columnPath'),
        needs: 'wide',
        render: (volume) => (
          <span className="with-copy">
            <code className="clip" title={volume.mountpoint}>
              {volume.mountpoint}
            </code>
            <CopyButton value={volume.mountpoint} what={t('volumes.columnPath')} />
          </span>
        ),
      },
      {
        id: 'actions',
        header: t('common.actions'),
        width: '4.5rem',
        align: 'end',
        render: (volume) => <RemoveCell volume={volume} onRemove={onRemove} />,
      },
    ],
    [t, userNames, onRemove],
  );
}

const none: readonly VolumeSummary[] = [];

export function VolumeList() {
  const { t } = useText();
  const query = useVolumes();
  const [search, setSearch] = useState('');
  const [sorting, setSorting] = useState<SortingState>([{ id: 'name', desc: false }]);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [removing, setRemoving] = useState<readonly VolumeSummary[]>();
  const columns = useColumns(setRemoving);
  const all = query.data ?? none;
  const rows = useMemo(() => all.filter((volume) => volume.name.toLowerCase().includes(search.trim().toLowerCase())), [all, search]);
  const selected = rows.filter((volume) => selection.has(volume.name));
  return (
    <Page
      fill
      title={t('volumes.title')}
      subtitle={query.data ? t('volumes.count', { count: all.length }) : undefined}
      actions={
        <Button icon={RefreshCw} onClick={() => void query.refetch()}>
          {t('volumes.refresh')}
        </Button>
      }
    >
      <ListBar
        search={{ label: t('volumes.searchLabel'), placeholder: t('volumes.searchPlaceholder'), value: search, onChange: setSearch }}
        selectedCount={selected.length}
        onClearSelection={() => {
          setSelection(new Set());
        }}
        bulk={
          <Button
            icon={Trash2}
            variant="danger"
            onClick={() => {
              setRemoving(selected);
            }}
          >
            {t('common.remove')}…
          </Button>
        }
      />
      {rows.length > 0 ? (
        <DataTable
          label={t('volumes.title')}
          rows={rows}
          rowId={rowName}
          rowName={rowName}
          columns={columns}
          selection={selection}
          onSelect={setSelection}
          onRowKey={(event, volume) => {
            if (event.key !== 'Delete') return false;
            setRemoving(selected.length > 0 ? selected : [volume]);
            return true;
          }}
          sorting={sorting}
          onSort={setSorting}
        />
      ) : query.isPending ? (
        <Loading />
      ) : query.isError ? (
        <Failed title={t('volumes.failed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />
      ) : all.length > 0 ? (
        <NoMatch
          title={t('volumes.noMatch')}
          onClear={() => {
            setSearch('');
          }}
        />
      ) : (
        <FullState icon={Database} title={t('volumes.empty')} hint={t('volumes.emptyHint')} />
      )}
      {removing ? (
        <RemovalDialog
          volumes={removing}
          onClose={() => {
            setRemoving(undefined);
            setSelection(new Set());
          }}
        />
      ) : null}
    </Page>
  );
}

const rowName = (volume: VolumeSummary) => volume.name;

function RemovalDialog({ volumes, onClose }: { readonly volumes: readonly VolumeSummary[]; readonly onClose: () => void }) {
  const { t } = useText();
  const userNames = useUserNames();
  const removable = volumes.filter((volume) => volume.usedBy.length === 0);
  const count = removable.length;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('volumes.removeTitle', { count: volumes.length })}
      description={t('volumes.removeIntro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="danger"
            disabled={count === 0}
            onClick={() => {
              onClose();
              void removeVolumes(removable);
            }}
          >
            {t('volumes.removeConfirm', { count })}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('volumes.title')}>
        {volumes.map((volume) => (
          <li key={volume.name} className={volume.usedBy.length > 0 ? 'plan-blocked' : undefined}>
            <strong className="clip">{volume.name}</strong>
            {volume.usedBy.length > 0 ? (
              <span className="muted">
                {t('volumes.usedBy', { names: userNames(volume) })} · {t('common.kept')}
              </span>
            ) : null}
          </li>
        ))}
      </ul>
      {count < volumes.length ? <p className="warning-text">{t('volumes.removeBlocked')}</p> : null}
      {count > 0 ? <p>{t('volumes.goesToTrash', { count })}</p> : null}
    </Dialog>
  );
}
