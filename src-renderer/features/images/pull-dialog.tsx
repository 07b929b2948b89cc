import { Download, Play, Search } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { searchTerm, splitName } from './names.ts';
import { startPull } from './queries.ts';
import { SearchResults, Tags } from './search-results.tsx';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';

interface PullForm {
  readonly reference: string;
  readonly platform: string;
  readonly user: string;
  readonly password: string;
}

/** Asks what to pull, then shows how it goes. Closing it stops nothing. */
export function PullDialog({ reference, onClose }: { readonly reference: string; readonly onClose: () => void }) {
  const { t } = useText();
  const navigate = useNavigate();
  const transfer = useTransfer();
  const form = useForm<PullForm>({ defaultValues: { reference, platform: '', user: '', password: '' } });
  const [searched, setSearched] = useState('');
  const [picked, setPicked] = useState('');
  const typed = form.watch('reference').trim();
  const pickRepository = (name: string) => {
    form.setValue('reference', name, { shouldValidate: true });
    setPicked(name);
  };
  const pickTag = (tag: string) => {
    form.setValue('reference', `${picked}:${tag}`, { shouldValidate: true });
  };
  const search = () => {
    const term = searchTerm(typed);
    if (term === '') {
      form.setError('reference', { message: t('search.termNeeded') }, { shouldFocus: true });
      return;
    }
    form.clearErrors('reference');
    setPicked('');
    setSearched(term);
  };
  const submit = form.handleSubmit((values) => {
    const { id } = startPull({
      reference: values.reference.trim(),
      ...(values.platform === '' ? {} : { platform: values.platform.trim() }),
      ...(values.user === '' ? {} : { credentials: `${values.user}:${values.password}` }),
    });
    transfer.begin(id);
  });
  const { errors } = form.formState;
  return (
    <TransferForm
      wide
      transfer={transfer}
      title={t('pull.title')}
      label={t('pull.start')}
      icon={Download}
      onSubmit={submit}
      onClose={onClose}
      done={{ label: t('pull.run'), icon: Play, act: (subject) => void navigate(`/run?image=${encodeURIComponent(subject)}`) }}
    >
      <div className="field-with-button">
        <Field
          label={t('pull.reference')}
          hint={t('pull.referenceHint')}
          error={errors.reference?.message}
          {...form.register('reference', {
            validate: (value) =>
              value.trim() === '' ? t('pull.referenceNeeded') : /\s/.test(value.trim()) ? t('pull.referenceSpace') : true,
          })}
        />
        <Button icon={Search} onClick={search}>
          {t('search.start')}
        </Button>
      </div>
      {searched === '' ? null : <SearchResults term={searched} picked={picked} onPick={pickRepository} />}
      {picked === '' ? null : (
        <Tags repository={picked} tag={typed.startsWith(`${picked}:`) ? splitName(typed).tag : ''} onPick={pickTag} />
      )}
      <details>
        <summary>{t('pull.more')}</summary>
        <div className="stack">
          <Field
            label={t('pull.platform')}
            hint={t('pull.platformHint')}
            error={errors.platform?.message}
            {...form.register('platform', {
              validate: (value) =>
                value.trim() === '' || /^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/.test(value.trim()) || t('pull.platformForm'),
            })}
          />
          <div className="columns-2">
            <Field label={t('pull.user')} {...form.register('user')} />
            <Field label={t('pull.password')} type="password" {...form.register('password')} />
          </div>
          <p className="field-hint">{t('pull.credentialsHint')}</p>
        </div>
      </details>
    </TransferForm>
  );
}
