import { useId } from 'react';
import { useFormContext } from 'react-hook-form';
import { useImages } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { CheckField, Field, SelectField } from '../../ui/field.tsx';
import type { RunValues } from './values.ts';

export function Basics() {
  const { t } = useText();
  const { register, formState } = useFormContext<RunValues>();
  const { errors } = formState;
  const images = useImages().value;
  const listId = useId();
  return (
    <fieldset className="field-list">
      <legend>{t('run.basics')}</legend>
      <div className="columns-2">
        <Field
          label={t('run.image')}
          hint={t('run.imageHint')}
          list={listId}
          required
          error={errors.image?.message}
          {...register('image')}
        />
        <Field
          label={t('common.optional', { what: t('run.name') })}
          hint={t('run.nameHint')}
          error={errors.name?.message}
          {...register('name')}
        />
      </div>
      <datalist id={listId}>
        {images
          .flatMap((image) => image.names)
          .map((name) => (
            <option key={name} value={name} />
          ))}
      </datalist>
      <Field
        label={t('common.optional', { what: t('run.command') })}
        hint={t('run.commandHint')}
        className="mono"
        error={errors.command?.message}
        {...register('command')}
      />
    </fieldset>
  );
}

export function Limits() {
  const { t } = useText();
  const { register, formState } = useFormContext<RunValues>();
  const { errors } = formState;
  return (
    <fieldset className="field-list">
      <legend>{t('run.limits')}</legend>
      <div className="columns-3">
        <Field label={t('run.memory')} hint={t('run.memoryHint')} error={errors.memory?.message} {...register('memory')} />
        <Field label={t('run.cpus')} hint={t('run.cpusHint')} inputMode="decimal" error={errors.cpus?.message} {...register('cpus')} />
        <Field label={t('run.pids')} hint={t('run.pidsHint')} inputMode="numeric" error={errors.pids?.message} {...register('pids')} />
      </div>
    </fieldset>
  );
}

export function Behaviour() {
  const { t } = useText();
  const { register, formState, watch } = useFormContext<RunValues>();
  const { errors } = formState;
  return (
    <fieldset className="field-list">
      <legend>{t('run.behaviour')}</legend>
      <div className="columns-3">
        <SelectField
          label={t('run.restart')}
          error={errors.restart?.message}
          options={[
            { value: 'no', label: t('run.restartNo') },
            { value: 'on-failure', label: t('run.restartOnFailure') },
            { value: 'always', label: t('run.restartAlways') },
            { value: 'unless-stopped', label: t('run.restartUnlessStopped') },
          ]}
          {...register('restart')}
        />
        {watch('restart') === 'on-failure' ? (
          <Field label={t('run.retries')} inputMode="numeric" placeholder="0" error={errors.retries?.message} {...register('retries')} />
        ) : null}
        <SelectField
          label={t('run.network')}
          error={errors.network?.message}
          options={[
            { value: 'default', label: t('run.networkDefault') },
            { value: 'host', label: t('run.networkHost') },
            { value: 'none', label: t('run.networkNone') },
            { value: 'bridge', label: t('run.networkBridge') },
            { value: 'pasta', label: t('run.networkPasta') },
            { value: 'slirp4netns', label: t('run.networkSlirp') },
          ]}
          {...register('network')}
        />
      </div>
      <div className="checks">
        <CheckField label={t('run.interactive')} {...register('interactive')} />
        <CheckField label={t('run.tty')} {...register('tty')} />
        <CheckField label={t('run.autoRemove')} {...register('remove')} />
      </div>
    </fieldset>
  );
}
