import { ArrowDown, ArrowUp } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useText } from '../text/text.ts';
import type { TableColumn } from './data-table.tsx';

interface TableHeadProps<T> {
  readonly columns: readonly TableColumn<T>[];
  readonly selectable: boolean;
  readonly sorting: readonly { readonly id: string; readonly desc: boolean }[];
  readonly onSort: (id: string) => void;
  readonly all: boolean;
  readonly some: boolean;
  readonly onAll: (on: boolean) => void;
}

export function TableHead<T>({ columns, selectable, sorting, onSort, all, some, onAll }: TableHeadProps<T>) {
  const { t } = useText();
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = some && !all;
  }, [some, all]);
  return (
    <>
      <colgroup>
        {selectable ? <col style={{ width: '2.25rem' }} /> : null}
        {columns.map((column) => (
          <col key={column.id} style={{ width: column.width }} className={column.needs && `${column.needs}-only`} />
        ))}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {selectable ? (
            <th scope="col" className="cell-check">
              <input
                ref={box}
                type="checkbox"
                aria-label={t('common.selectAll')}
                checked={all}
                onChange={(event) => {
                  onAll(event.target.checked);
                }}
              />
            </th>
          ) : null}
          {columns.map((column) => {
            const sort = sorting.find((entry) => entry.id === column.id);
            const Arrow = sort?.desc === true ? ArrowDown : ArrowUp;
            return (
              <th
                key={column.id}
                scope="col"
                className={cellClass(column)}
                aria-sort={sort ? (sort.desc ? 'descending' : 'ascending') : undefined}
              >
                {column.sortValue ? (
                  <button
                    type="button"
                    className="sort-button"
                    onClick={() => {
                      onSort(column.id);
                    }}
                  >
                    {column.header}
                    {sort ? <Arrow size={13} aria-hidden /> : <span className="sort-gap" />}
                  </button>
                ) : (
                  column.header
                )}
              </th>
            );
          })}
        </tr>
      </thead>
    </>
  );
}

export function cellClass<T>(column: TableColumn<T>): string | undefined {
  const classes = [column.align === 'end' ? 'cell-end' : '', column.needs ? `${column.needs}-only` : ''].filter((name) => name !== '');
  return classes.length > 0 ? classes.join(' ') : undefined;
}
