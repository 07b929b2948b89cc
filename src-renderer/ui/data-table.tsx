/**
 * The table that is home to a kind of object. Only the rows in sight are in the page. One stop of the Tab key: inside,
 * the arrow keys move, Space selects, Enter opens; Tab then goes on to the controls of the active row.
 */
import { type ColumnDef, createSortedRowModel, rowSortingFeature, type SortingState, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useCallback, useId, useMemo, useRef, useState } from 'react';
import { TableHead } from './data-table-head.tsx';
import { TableRow } from './data-table-row.tsx';

export interface TableColumn<T> {
  readonly id: string;
  readonly header: string;
  /** CSS width; the columns without one share what is left. */
  readonly width?: string;
  readonly align?: 'end';
  /** Left out where there is little room; `medium`: only where there is very little. */
  readonly needs?: 'wide' | 'medium';
  /** Undefined sorts last. */
  readonly sortValue?: (row: T) => string | number | undefined;
  readonly render: (row: T) => ReactNode;
}

export interface DataTableProps<T extends object> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly rowId: (row: T) => string;
  readonly rowName: (row: T) => string;
  readonly columns: readonly TableColumn<T>[];
  /** Left out: there is nothing that could be done with several at once, and nothing to tick. */
  readonly selection?: ReadonlySet<string>;
  readonly onSelect?: (selection: ReadonlySet<string>) => void;
  readonly onOpen?: (row: T) => void;
  /** Shortcuts of the owner; answers whether it took the key. */
  readonly onRowKey?: (event: KeyboardEvent, row: T) => boolean;
  readonly sorting: SortingState;
  readonly onSort: (sorting: SortingState) => void;
  /** Describes the keys. */
  readonly hint?: string;
}

const rowHeight = 33;
const headHeight = 33;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
type Features = typeof features;

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return collator.compare(a, b);
  return Number(a) - Number(b);
}
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

const nothing: ReadonlySet<string> = new Set();
const ignore = () => undefined;

export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { rows, rowId, columns, selection = nothing, onSelect = ignore, sorting, onSort } = props;
  const selectable = props.selection !== undefined;
  const scroller = useRef<HTMLDivElement>(null);
  const baseId = useId();
  const [activeId, setActiveId] = useState<string>();
  const anchor = useRef<string>(undefined);

  const definitions = useMemo(
    () =>
      columns.map(
        (column): ColumnDef<Features, T> => ({
          id: column.id,
          accessorFn: (row) => column.sortValue?.(row),
          enableSorting: column.sortValue !== undefined,
          sortFn: (a, b, id) => compare(a.getValue(id), b.getValue(id)),
          sortUndefined: 'last',
        }),
      ),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowId,
    enableSortingRemoval: false,
    enableMultiSort: false,
    state: { sorting },
    onSortingChange: (updater) => {
      onSort(typeof updater === 'function' ? updater(sorting) : updater);
    },
  });
  const sorted = table.getRowModel().rows;
  const virtualizer = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
    scrollPaddingStart: headHeight,
    getItemKey: (index) => sorted[index]?.id ?? index,
  });

  const activeIndex = Math.max(0, activeId === undefined ? 0 : sorted.findIndex((row) => row.id === activeId));
  const active = sorted[activeIndex];

  const moveTo = (index: number, extend: boolean) => {
    const bounded = Math.max(0, Math.min(sorted.length - 1, index));
    const target = sorted[bounded];
    if (!target) return;
    setActiveId(target.id);
    virtualizer.scrollToIndex(bounded);
    if (extend) {
      anchor.current ??= active?.id;
      onSelect(range(anchor.current ?? target.id, target.id));
    } else anchor.current = undefined;
  };

  const range = (from: string, to: string): ReadonlySet<string> => {
    const first = sorted.findIndex((row) => row.id === from);
    const last = sorted.findIndex((row) => row.id === to);
    return new Set(sorted.slice(Math.min(first, last), Math.max(first, last) + 1).map((row) => row.id));
  };

  const latest = useRef({ selection, range });
  latest.current = { selection, range };
  const toggle = useCallback(
    (id: string, extend: boolean) => {
      setActiveId(id);
      if (extend && anchor.current !== undefined) {
        onSelect(new Set([...latest.current.selection, ...latest.current.range(anchor.current, id)]));
        return;
      }
      anchor.current = id;
      const next = new Set(latest.current.selection);
      if (!next.delete(id)) next.add(id);
      onSelect(next);
    },
    [onSelect],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    // Keys of a control inside of a row are its own.
    if (event.target !== event.currentTarget || !active) return;
    if (props.onRowKey?.(event, active.original) === true) {
      event.preventDefault();
      return;
    }
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - headHeight) / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex - 1,
      Home: 0,
      End: sorted.length - 1,
      PageDown: activeIndex + page,
      PageUp: activeIndex - page,
    };
    const target = moves[event.key];
    if (target !== undefined) moveTo(target, event.shiftKey);
    else if (event.key === ' ') toggle(active.id, event.shiftKey);
    else if (event.key === 'Enter') props.onOpen?.(active.original);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) onSelect(new Set(sorted.map((row) => row.id)));
    else if (event.key === 'Escape' && selection.size > 0) onSelect(new Set());
    else return;
    event.preventDefault();
  };

  const items = virtualizer.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className="table-scroller" ref={scroller}>
      <table
        className="data-table"
        role="grid"
        aria-label={props.label}
        aria-multiselectable={selectable || undefined}
        aria-rowcount={sorted.length + 1}
        aria-activedescendant={active ? `${baseId}-${active.id}` : undefined}
        aria-describedby={props.hint === undefined ? undefined : `${baseId}-hint`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <TableHead
          columns={columns}
          selectable={selectable}
          sorting={sorting}
          onSort={(id) => {
            table.getColumn(id)?.toggleSorting();
          }}
          all={sorted.length > 0 && sorted.every((row) => selection.has(row.id))}
          some={selection.size > 0}
          onAll={(on) => {
            onSelect(on ? new Set(sorted.map((row) => row.id)) : new Set());
          }}
        />
        <tbody>
          {before > 0 ? (
            <tr aria-hidden style={{ height: before }}>
              <td />
            </tr>
          ) : null}
          {items.map((item) => {
            const row = sorted[item.index];
            return row ? (
              <TableRow
                key={row.id}
                domId={`${baseId}-${row.id}`}
                id={row.id}
                row={row.original}
                name={props.rowName(row.original)}
                index={item.index}
                columns={columns}
                selected={selectable ? selection.has(row.id) : undefined}
                active={row.id === active?.id}
                onActivate={setActiveId}
                onToggle={toggle}
                onOpen={props.onOpen}
              />
            ) : null;
          })}
          {after > 0 ? (
            <tr aria-hidden style={{ height: after }}>
              <td />
            </tr>
          ) : null}
        </tbody>
      </table>
      {props.hint === undefined ? null : (
        <p id={`${baseId}-hint`} className="visually-hidden">
          {props.hint}
        </p>
      )}
    </div>
  );
}
