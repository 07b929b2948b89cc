import type { SortingState } from '@tanstack/react-table';
import { Download, FileDown, FileUp, Layers, Trash2 } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { imagesStore, useImages } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { DropZone } from '../../ui/drop-zone.tsx';
import { ListBar } from '../../ui/list-bar.tsx';
import { Failed, NoMatch } from '../../ui/list-states.tsx';
import { FullState, Loading, Page } from '../../ui/page.tsx';
import { type ImageRow, toRows, useColumns } from './columns.tsx';
import { LoadDialog } from './load-dialog.tsx';
import { PullDialog } from './pull-dialog.tsx';
import { PushDialog } from './push-dialog.tsx';
import { ImageRemovalDialog } from './removal-dialog.tsx';
import { SaveDialog } from './save-dialog.tsx';
import { TagDialog } from './tag-dialog.tsx';

export function ImageList() {
  const { t } = useText();
  const navigate = useNavigate();
  const live = useImages();
  const [query, setQuery] = useState('');
  const [sorting, setSorting] = useState<SortingState>([{ id: 'name', desc: false }]);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<OpenDialog>();
  const [params, setParams] = useSearchParams();
  const pulling = params.get('pull');
  const openPull = useCallback(
    (name: string) => {
      setParams({ pull: name });
    },
    [setParams],
  );
  const actions = useMemo(
    () => ({
      onPull: openPull,
      onOpen: (kind: 'push' | 'tag', row: ImageRow) => {
        setDialog({ kind, row });
      },
      onSave: (row: ImageRow) => {
        setDialog({ kind: 'save', images: [referenceOf(row)] });
      },
      onRemove: (row: ImageRow) => {
        setDialog({ kind: 'remove', rows: [row] });
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
              setDialog({ kind: 'load' });
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
      <DropZone
        label={t('archive.dropHere')}
        onFile={(file) => {
          setDialog({ kind: 'load', file });
        }}
      >
        <ListBar
          search={{ label: t('images.searchLabel'), placeholder: t('images.searchPlaceholder'), value: query, onChange: setQuery }}
          selectedCount={selected.length}
          onClearSelection={() => {
            setSelection(new Set());
          }}
          bulk={
            <>
              <Button
                icon={FileDown}
                onClick={() => {
                  setDialog({ kind: 'save', images: [...new Set(selected.map(referenceOf))] });
                }}
              >
                {t('archive.saveDots')}
              </Button>
              <Button
                icon={Trash2}
                variant="danger"
                onClick={() => {
                  setDialog({ kind: 'remove', rows: selected });
                }}
              >
                {t('images.remove')}
              </Button>
            </>
          }
        />
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
              setDialog({ kind: 'remove', rows: selected.length > 0 ? selected : [row] });
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
      </DropZone>
      {pulling === null ? null : (
        <PullDialog
          key={pulling}
          reference={pulling}
          onClose={() => {
            setParams({});
          }}
        />
      )}
      {dialog ? (
        <ImageDialog
          open={dialog}
          onClose={() => {
            setDialog(undefined);
            if (dialog.kind === 'remove') setSelection(new Set());
          }}
        />
      ) : null}
    </Page>
  );
}

type OpenDialog =
  | { readonly kind: 'push' | 'tag'; readonly row: ImageRow }
  | { readonly kind: 'save'; readonly images: readonly string[] }
  | { readonly kind: 'load'; readonly file?: File }
  | { readonly kind: 'remove'; readonly rows: readonly ImageRow[] };

function ImageDialog({ open, onClose }: { readonly open: OpenDialog; readonly onClose: () => void }) {
  switch (open.kind) {
    case 'push':
      return <PushDialog image={open.row.image} name={open.row.name} onClose={onClose} />;
    case 'tag':
      return <TagDialog image={open.row.image} onClose={onClose} />;
    case 'save':
      return <SaveDialog images={open.images} onClose={onClose} />;
    case 'load':
      return <LoadDialog file={open.file} onClose={onClose} />;
    case 'remove':
      return <ImageRemovalDialog rows={open.rows} onClose={onClose} />;
  }
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
    return <Failed title={t('images.failed')} error={live.error} onRetry={imagesStore.retry} />;
  }
  if (total > 0) {
    return <NoMatch title={t('images.noMatch')} onClear={onClear} />;
  }
  return (
    <FullState icon={Layers} title={t('images.empty')} hint={t('images.emptyHint')}>
      <Button variant="primary" icon={Download} onClick={onPull}>
        {t('images.pull')}
      </Button>
    </FullState>
  );
}
