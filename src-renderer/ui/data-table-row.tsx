import { memo } from 'react';
import { useText } from '../text/text.ts';
import type { TableColumn } from './data-table.tsx';
import { cellClass } from './data-table-head.tsx';
import { RowActive } from './row-focus.ts';

interface TableRowProps<T> {
  readonly domId: string;
  readonly id: string;
  readonly row: T;
  readonly name: string;
  readonly index: number;
  readonly columns: readonly TableColumn<T>[];
  /** Undefined: it cannot be selected. */
  readonly selected: boolean | undefined;
  readonly active: boolean;
  readonly onActivate: (id: string) => void;
  readonly onToggle: (id: string, extend: boolean) => void;
  readonly onOpen: ((row: T) => void) | undefined;
}

function Row<T>(props: TableRowProps<T>) {
  const { t } = useText();
  return (
    <tr
      id={props.domId}
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      className={props.active ? 'row-active' : undefined}
      onClick={() => {
        props.onActivate(props.id);
      }}
      onDoubleClick={() => {
        props.onOpen?.(props.row);
      }}
    >
      {props.selected === undefined ? null : (
        <td className="cell-check">
          <input
            type="checkbox"
            tabIndex={props.active ? 0 : -1}
            aria-label={t('common.selectRow', { name: props.name })}
            checked={props.selected}
            onChange={(event) => {
              props.onToggle(props.id, (event.nativeEvent as MouseEvent).shiftKey);
            }}
            onDoubleClick={(event) => {
              event.stopPropagation();
            }}
          />
        </td>
      )}
      <RowActive value={props.active}>
        {props.columns.map((column) => (
          <td key={column.id} className={cellClass(column)}>
            {column.render(props.row)}
          </td>
        ))}
      </RowActive>
    </tr>
  );
}

/** A row is drawn again only when it, its selection or the columns have changed. */
export const TableRow = memo(Row) as typeof Row;
