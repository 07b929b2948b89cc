import type { SortingState } from '@tanstack/react-table';
import { CircleAlert, Download, FileDown, FileUp, FilterX, Layers, Trash2, X } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { imagesStore, useImages } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { ErrorWords } from '../../ui/error-box.tsx';
import { FullState, Loading, Page } from '../../ui/page.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { type ImageRow, toRows, useColumns } from './columns.tsx';
import { ArchiveDialog } from './archive-dialog.tsx';
import { PullDialog } from './pull-dialog.tsx';
import { PushDialog } from './push-dialog.tsx';
import { ImageRemovalDialog } from './removal-dialog.tsx';

export function ImageList() {
  const { t } = useText();
  const navigate = useNavigate();
  const live = useImages();
  const [query, setQuery] = useState('');
  const [sorting, setSorting] = useState<SortingState>([{ id: 'name', desc: false }]);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [removing, setRemoving] = useState<readonly ImageRow[]>();
  const [params, setParams] = useSearchParams();
  const pulling = params.get('pull');
  const openPull = useCallback(
    (name: string) => {
      setParams({ pull: name });
    },
    [setParams],
  );
  const [pushing, setPushing] = useState<ImageRow>();
  const [saving, setSaving] = useState<readonly string[]>();
  const [loading, setLoading] = useState(false);
  const actions = useMemo(
    () => ({
      onRemove: (row: ImageRow) => {
        setRemoving([row]);
      },
      onPull: openPull,
      onPush: setPushing,
      onSave: (row: ImageRow) => {
        setSaving([referenceOf(row)]);
      },
    }),
    [openPull],
  );
  const columns = useColumns(actions);
  const all = useMemo(() => toRows(live.value), [live.value]);
  const rows = useMemo(() => all.filter((row) => fits(row, query)), [all, query]);
  const selected = rows.filter((row) => selection.has(row.key));
  const open = (row: ImageRow) => void navigate(`/images/${row.image.id}`);
  return (
    <Page
      fill
      title={t('images.title')}
      subtitle={live.status === 'live' ? t('images.count', { count: live.value.length }) : undefined}
      actions={
        <>
          <Button
            icon={FileUp}
            onClick={() => {
              setLoading(true);
            }}
          >
            {t('archive.loadDots')}
          </Button>
          <Button
            variant="primary"
            icon={Download}
            onClick={() => {
              openPull('');
            }}
          >
            {t('images.pull')}
          </Button>
        </>
      }
    >
      <div className="toolbar">
        <SearchBox label={t('images.searchLabel')} placeholder={t('images.searchPlaceholder')} value={query} onChange={setQuery} />
        {selected.length > 0 ? (
          <div className="bulk" role="toolbar" aria-label={t('common.actions')}>
            <span className="bulk-count">{t('common.selected', { count: selected.length })}</span>
            <Button
              icon={FileDown}
              onClick={() => {
                setSaving([...new Set(selected.map(referenceOf))]);
              }}
            >
              {t('archive.saveDots')}
            </Button>
            <Button
              icon={Trash2}
              variant="danger"
              onClick={() => {
                setRemoving(selected);
              }}
            >
              {t('images.remove')}
            </Button>
            <IconButton
              icon={X}
              label={t('common.clearSelection')}
              onClick={() => {
                setSelection(new Set());
              }}
            />
          </div>
        ) : null}
      </div>
      {rows.length > 0 ? (
        <DataTable
          label={t('images.title')}
          rows={rows}
          rowId={rowId}
          rowName={rowName}
          columns={columns}
          selection={selection}
          onSelect={setSelection}
          onOpen={open}
          onRowKey={(event, row) => {
            if (event.key !== 'Delete') return false;
            setRemoving(selected.length > 0 ? selected : [row]);
            return true;
          }}
          sorting={sorting}
          onSort={setSorting}
        />
      ) : (
        <NoRows
          total={all.length}
          onClear={() => {
            setQuery('');
          }}
          onPull={() => {
            openPull('');
          }}
        />
      )}
      {pulling === null ? null : (
        <PullDialog
          key={pulling}
          reference={pulling}
          onClose={() => {
            setParams({});
          }}
        />
      )}
      {pushing ? (
        <PushDialog
          image={pushing.image}
          name={pushing.name}
          onClose={() => {
            setPushing(undefined);
          }}
        />
      ) : null}
      {saving ? (
        <ArchiveDialog
          images={saving}
          onClose={() => {
            setSaving(undefined);
          }}
        />
      ) : null}
      {loading ? (
        <ArchiveDialog
          onClose={() => {
            setLoading(false);
          }}
        />
      ) : null}
      {removing ? (
        <ImageRemovalDialog
          rows={removing}
          onClose={() => {
            setRemoving(undefined);
            setSelection(new Set());
          }}
        />
      ) : null}
    </Page>
  );
}

const referenceOf = (row: ImageRow) => (row.name === '' ? row.image.id : row.name);
const rowId = (row: ImageRow) => row.key;
const rowName = (row: ImageRow) => (row.name === '' ? row.image.id.slice(0, 12) : row.name);

function fits(row: ImageRow, query: string): boolean {
  const text = row.name.toLowerCase();
  const id = row.image.id.replace(/^sha256:/, '');
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word) || id.startsWith(word.replace(/^sha256:/, '')));
}

function NoRows({ total, onClear, onPull }: { readonly total: number; readonly onClear: () => void; readonly onPull: () => void }) {
  const { t } = useText();
  const live = useImages();
  if (live.status === 'loading') return <Loading />;
  if (live.status === 'failed') {
    return (
      <FullState icon={CircleAlert} tone="bad" title={t('images.failed')} hint={<ErrorWords error={live.error} />}>
        <Button
          onClick={() => {
            imagesStore.retry();
          }}
        >
          {t('common.retry')}
        </Button>
      </FullState>
    );
  }
  if (total > 0) {
    return (
      <FullState icon={FilterX} title={t('images.noMatch')}>
        <Button onClick={onClear}>{t('common.clearSearch')}</Button>
      </FullState>
    );
  }
  return (
    <FullState icon={Layers} title={t('images.empty')} hint={t('images.emptyHint')}>
      <Button variant="primary" icon={Download} onClick={onPull}>
        {t('images.pull')}
      </Button>
    </FullState>
  );
}
