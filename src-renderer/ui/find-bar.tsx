import { ChevronDown, ChevronUp } from 'lucide-react';
import { useText } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { SearchBox } from './search-box.tsx';

interface FindBarProps {
  readonly label: string;
  readonly placeholder: string;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly count: number;
  /** Counted from 0. */
  readonly current: number;
  readonly onStep: (step: 1 | -1) => void;
  /** There may be more: it is still being searched. */
  readonly busy?: boolean;
}

/** Search in a long text: how many, which one, on and back. Enter goes on, Shift+Enter back. */
export function FindBar({ label, placeholder, query, onQuery, count, current, onStep, busy = false }: FindBarProps) {
  const { t } = useText();
  return (
    <div className="find-bar">
      <SearchBox
        label={label}
        placeholder={placeholder}
        value={query}
        onChange={onQuery}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          onStep(event.shiftKey ? -1 : 1);
        }}
      />
      <span className="find-count numbers" role="status">
        {query === '' ? '' : count > 0 ? t('log.matches', { current: current + 1, count }) : busy ? '' : t('log.noMatches')}
        {query !== '' && busy ? ` ${t('log.searching')}` : ''}
      </span>
      <IconButton
        icon={ChevronUp}
        label={t('log.previous')}
        disabled={count === 0}
        onClick={() => {
          onStep(-1);
        }}
      />
      <IconButton
        icon={ChevronDown}
        label={t('log.next')}
        disabled={count === 0}
        onClick={() => {
          onStep(1);
        }}
      />
    </div>
  );
}
