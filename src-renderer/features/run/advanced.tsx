import { useState } from 'react';
import { useFormContext } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { SelectField } from '../../ui/field.tsx';
import { type RunValues, userNamespaces } from './values.ts';

const texts = { '': 'usual', host: 'host', 'keep-id': 'keepId', auto: 'auto', nomap: 'nomap' } as const;

/** What few containers need: shut until it is asked for, or has an error. */
export function Advanced() {
  const { t } = useText();
  const { register, formState, watch } = useFormContext<RunValues>();
  const error = formState.errors.userns?.message;
  const [open, setOpen] = useState(false);
  return (
    <details
      className="field-list advanced"
      open={open || error !== undefined}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
        // The foot of the form stands over what has just been opened.
        if (event.currentTarget.open) event.currentTarget.scrollIntoView({ block: 'nearest' });
      }}
    >
      <summary>{t('run.advanced')}</summary>
      <div className="advanced-body">
        <SelectField
          label={t('run.userns')}
          hint={t(`run.usernsHint.${texts[watch('userns')]}`)}
          error={error}
          options={userNamespaces.map((value) => ({ value, label: t(`run.usernsMode.${texts[value]}`) }))}
          {...register('userns')}
        />
      </div>
    </details>
  );
}
