import { Search, X } from 'lucide-react';
import { type KeyboardEvent, type Ref, useRef } from 'react';
import { useText } from '../text/text.ts';
import { IconButton } from './button.tsx';

interface SearchBoxProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label: string;
  readonly placeholder: string;
  readonly onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
  readonly ref?: Ref<HTMLInputElement>;
}

/** `/` reaches the first one on the page. */
export function SearchBox({ value, onChange, label, placeholder, onKeyDown, ref }: SearchBoxProps) {
  const { t } = useText();
  const own = useRef<HTMLInputElement>(null);
  return (
    <div className="search-box">
      <Search size={15} aria-hidden />
      <input
        ref={ref ?? own}
        type="text"
        role="searchbox"
        data-search
        spellCheck={false}
        autoComplete="off"
        aria-label={label}
        placeholder={placeholder}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && value !== '') {
            event.stopPropagation();
            onChange('');
          }
          onKeyDown?.(event);
        }}
      />
      {value === '' ? null : (
        <IconButton
          icon={X}
          label={t('common.clearSearch')}
          onClick={() => {
            onChange('');
            own.current?.focus();
          }}
        />
      )}
    </div>
  );
}

interface SegmentedProps<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly label: string }[];
  readonly onChange: (value: V) => void;
}

/** A choice of a few, all of them in sight. */
export function Segmented<V extends string>({ label, value, options, onChange }: SegmentedProps<V>) {
  return (
    <fieldset className="segmented">
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={option.value === value ? 'segment segment-on' : 'segment'}>
          <input
            type="radio"
            className="visually-hidden"
            checked={option.value === value}
            onChange={() => {
              onChange(option.value);
            }}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
