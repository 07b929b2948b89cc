import type { UseFormReturn } from 'react-hook-form';
import { canDownload } from '../client/files.ts';
import { useText } from '../text/text.ts';
import { Field, RadioField } from '../ui/field.tsx';

/** Where a file goes: into the browser's downloads, or to a path that the engine writes itself. */
export interface Place {
  readonly where: 'download' | 'path';
  readonly path: string;
}

/** A window writes to paths alone. */
export const defaultPlace = (): Place => ({ where: canDownload() ? 'download' : 'path', path: '' });

interface WhereToProps {
  readonly form: UseFormReturn<Place>;
  readonly pathHint: string;
  readonly placeholder: string;
}

export function WhereTo({ form, pathHint, placeholder }: WhereToProps) {
  const { t } = useText();
  const byPath = form.watch('where') === 'path';
  const path = byPath ? (
    <Field
      label={t('archive.path')}
      hint={pathHint}
      placeholder={placeholder}
      error={form.formState.errors.path?.message}
      {...form.register('path', { validate: (value) => value.trim().startsWith('/') || t('archive.pathAbsolute') })}
    />
  ) : null;
  if (!canDownload()) return path;
  return (
    <>
      <fieldset className="radios">
        <legend className="visually-hidden">{t('archive.where')}</legend>
        <RadioField value="download" label={t('archive.download')} hint={t('archive.downloadHint')} {...form.register('where')} />
        <RadioField value="path" label={t('archive.toPath')} hint={t('archive.toPathHint')} {...form.register('where')} />
      </fieldset>
      {path}
    </>
  );
}
