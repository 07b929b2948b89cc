import { Download, FileDown, Play, Tag, Trash2, Upload } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { Link, useNavigate } from 'react-router';
import type { ImageSummary } from '../../../src-main/contract/image.ts';
import { formatBytes, shortId } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import type { TableColumn } from '../../ui/data-table.tsx';
import { FrontClipped } from '../../ui/front-clipped.tsx';
import { RowMenu } from '../../ui/menu.tsx';
import { useRowTabIndex } from '../../ui/row-focus.ts';
import { RelativeTime } from '../../ui/time.tsx';
import { splitName } from './names.ts';

/** One line of the list: an image under one of its names, or without any. */
export interface ImageRow {
  readonly key: string;
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
  readonly image: ImageSummary;
}

export function toRows(images: readonly ImageSummary[]): readonly ImageRow[] {
  return images.flatMap((image) =>
    image.names.length === 0
      ? [{ key: image.id, name: '', repository: '', tag: '', image }]
      : image.names.map((name) => ({ key: `${image.id}-${name}`, name, ...splitName(name), image })),
  );
}

export interface RowActions {
  readonly onRemove: (row: ImageRow) => void;
  readonly onPull: (name: string) => void;
  readonly onOpen: (dialog: 'push' | 'tag', row: ImageRow) => void;
  readonly onSave: (row: ImageRow) => void;
}

function ActionsCell({ row, actions: { onRemove, onPull, onOpen, onSave } }: { readonly row: ImageRow; readonly actions: RowActions }) {
  const { t } = useText();
  const navigate = useNavigate();
  const tabIndex = useRowTabIndex();
  const reference = row.name === '' ? row.image.id : row.name;
  const shown = row.name === '' ? shortId(row.image.id) : `${row.repository}:${row.tag}`;
  const run = () => void navigate(`/run?image=${encodeURIComponent(reference)}`);
  return (
    <span className="row-actions">
      <IconButton icon={Play} label={t('palette.run', { name: shown })} tabIndex={tabIndex} onClick={run} />
      <RowMenu
        label={t('common.actionsFor', { name: shown })}
        tabIndex={tabIndex}
        items={() => [
          { id: 'run', label: t('images.run'), icon: Play, onSelect: run },
          {
            id: 'pull',
            label: t('images.pullAgain'),
            icon: Download,
            disabled: row.name === '',
            onSelect: () => {
              onPull(row.name);
            },
          },
          {
            id: 'push',
            label: t('image.push'),
            icon: Upload,
            onSelect: () => {
              onOpen('push', row);
            },
          },
          {
            id: 'tag',
            label: t('image.tag'),
            icon: Tag,
            onSelect: () => {
              onOpen('tag', row);
            },
          },
          {
            id: 'save',
            label: t('archive.saveDots'),
            icon: FileDown,
            onSelect: () => {
              onSave(row);
            },
          },
          {
            id: 'remove',
            label: t('images.remove'),
            icon: Trash2,
            danger: true,
            separated: true,
            onSelect: () => {
              onRemove(row);
            },
          },
        ]}
      />
    </span>
  );
}

function ImageLink({ row, children }: { readonly row: ImageRow; readonly children: ReactNode }) {
  return (
    <Link className="row-link image-name" to={`/images/${row.image.id}`} tabIndex={useRowTabIndex()}>
      {children}
    </Link>
  );
}

export function useColumns(actions: RowActions): readonly TableColumn<ImageRow>[] {
  const { t } = useText();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('images.columnName'),
        sortValue: (row) => (row.repository === '' ? undefined : row.repository),
        render: (row) =>
          row.name === '' ? (
            <ImageLink row={row}>
              <span className="muted">{t('images.dangling')}</span>
            </ImageLink>
          ) : (
            <span className="with-copy">
              <ImageLink row={row}>
                <FrontClipped text={row.repository} title={row.name} />
              </ImageLink>
              <CopyButton value={row.name} what={t('common.name')} />
            </span>
          ),
      },
      {
        id: 'tag',
        header: t('images.columnTag'),
        width: 'clamp(5.5rem, 14cqw, 11rem)',
        sortValue: (row) => row.tag,
        render: (row) => (
          <span className="clip" title={row.tag}>
            {row.tag}
          </span>
        ),
      },
      {
        id: 'id',
        header: t('images.columnId'),
        width: '9.5rem',
        needs: 'wide',
        render: (row) => (
          <span className="with-copy">
            <code>{shortId(row.image.id)}</code>
            <CopyButton value={row.image.id} what={t('common.id')} />
          </span>
        ),
      },
      {
        id: 'size',
        header: t('images.columnSize'),
        width: '6rem',
        align: 'end',
        sortValue: (row) => row.image.sizeBytes,
        render: (row) => formatBytes(row.image.sizeBytes),
      },
      {
        id: 'created',
        header: t('images.columnCreated'),
        width: '8rem',
        needs: 'medium',
        sortValue: (row) => row.image.createdAt,
        render: (row) => <RelativeTime atMs={row.image.createdAt} />,
      },
      {
        id: 'containers',
        header: t('images.columnContainers'),
        width: '6.5rem',
        align: 'end',
        sortValue: (row) => row.image.containers,
        render: (row) => (row.image.containers === 0 ? <span className="muted">0</span> : row.image.containers),
      },
      {
        id: 'actions',
        header: t('common.actions'),
        width: '5.5rem',
        align: 'end',
        render: (row) => <ActionsCell row={row} actions={actions} />,
      },
    ],
    [t, actions],
  );
}
