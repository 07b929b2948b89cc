import { CircleAlert } from 'lucide-react';
import { type InputHTMLAttributes, type ReactNode, type Ref, useId } from 'react';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  /** The label is for readers of the screen alone: rows of a list have their labels in the head. */
  readonly hideLabel?: boolean;
  readonly ref?: Ref<HTMLInputElement>;
}

function describedBy(id: string, hint: ReactNode, error: string | undefined): string {
  return [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`].filter((part) => part !== '').join(' ');
}

/** A labelled input with its error beside it. */
export function Field({ label, hint, error, hideLabel = false, className = '', ...input }: FieldProps) {
  const id = useId();
  const described = describedBy(id, hint, error);
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : undefined}>
        {label}
      </label>
      <input
        id={id}
        type="text"
        spellCheck={false}
        autoComplete="off"
        aria-invalid={error !== undefined}
        aria-describedby={described === '' ? undefined : described}
        {...input}
      />
      {hint === undefined ? null : (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

export function FieldError({ id, error }: { readonly id?: string; readonly error: string | undefined }) {
  if (error === undefined) return null;
  return (
    <p className="field-error" id={id}>
      <CircleAlert size={13} aria-hidden /> <span>{error}</span>
    </p>
  );
}

interface SelectFieldProps extends Omit<InputHTMLAttributes<HTMLSelectElement>, 'ref'> {
  readonly label: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly hideLabel?: boolean;
  readonly ref?: Ref<HTMLSelectElement>;
}

export function SelectField({ label, options, hint, error, hideLabel = false, className = '', ...select }: SelectFieldProps) {
  const id = useId();
  const described = describedBy(id, hint, error);
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : undefined}>
        {label}
      </label>
      <select id={id} aria-invalid={error !== undefined} aria-describedby={described === '' ? undefined : described} {...select}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint === undefined ? null : (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

interface CheckFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly ref?: Ref<HTMLInputElement>;
}

export function CheckField({ label, className = '', ...input }: CheckFieldProps) {
  return (
    <label className={`check-field ${className}`}>
      <input type="checkbox" {...input} />
      <span>{label}</span>
    </label>
  );
}

interface RadioFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly ref?: Ref<HTMLInputElement>;
}

/** One of a choice that needs a sentence each. */
export function RadioField({ label, hint, className = '', ...input }: RadioFieldProps) {
  const id = useId();
  return (
    <div className={`radio-field ${className}`}>
      <input id={id} type="radio" aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...input} />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint === undefined ? null : (
          <p className="field-hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
