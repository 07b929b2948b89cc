import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useText } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { SearchBox } from './search-box.tsx';

interface ListBarProps {
  /** Left out where there is nothing to look through. */
  readonly search?: {
    readonly value: string;
    readonly onChange: (value: string) => void;
    readonly label: string;
    readonly placeholder: string;
  };
  /** Beside the search: another choice of what is shown. */
  readonly filter?: ReactNode;
  readonly selectedCount: number;
  readonly onClearSelection: () => void;
  /** What can be done with all that is selected; takes the place of the note. */
  readonly bulk: ReactNode;
  readonly note?: ReactNode;
  /** At the far end. */
  readonly end?: ReactNode;
  readonly className?: string;
}

/** Above a table: what is looked for, and what is done with several rows at once. */
export function ListBar({ search, filter, selectedCount, onClearSelection, bulk, note, end, className = '' }: ListBarProps) {
  const { t } = useText();
  return (
    <div className={`toolbar ${className}`}>
      {search ? <SearchBox {...search} /> : null}
      {filter}
      {selectedCount > 0 ? (
        <div className="bulk" role="toolbar" aria-label={t('common.actions')}>
          <span className="bulk-count">{t('common.selected', { count: selectedCount })}</span>
          {bulk}
          <IconButton icon={X} label={t('common.clearSelection')} onClick={onClearSelection} />
        </div>
      ) : note === undefined ? null : (
        <span className="muted toolbar-note">{note}</span>
      )}
      {end === undefined ? null : <span className="toolbar-end">{end}</span>}
    </div>
  );
}
