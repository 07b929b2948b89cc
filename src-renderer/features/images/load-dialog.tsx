import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';
import { Field, RadioField } from '../../ui/field.tsx';
import { FileChooser } from '../../ui/file-chooser.tsx';
import { startImport, startLoad } from './queries.ts';

interface LoadForm {
  readonly path: string;
  /** Images, or files that become one. */
  readonly content: 'images' | 'files';
  readonly reference: string;
}

interface LoadDialogProps {
  /** That was dropped on the page. */
  readonly file?: File | undefined;
  readonly onClose: () => void;
}

/** Images out of a file: one that is chosen here is sent to the engine, one at a path it reads itself. */
export function LoadDialog({ file: dropped, onClose }: LoadDialogProps) {
  const { t } = useText();
  const transfer = useTransfer();
  const [file, setFile] = useState(dropped);
  const form = useForm<LoadForm>({ defaultValues: { path: '', content: 'images', reference: '' } });
  const { errors } = form.formState;
  const imports = form.watch('content') === 'files';
  return (
    <TransferForm
      transfer={transfer}
      title={t('archive.loadTitle')}
      label={t(imports ? 'archive.import' : 'archive.load')}
      icon={FileUp}
      onSubmit={form.handleSubmit(({ path, content, reference }) => {
        const source = file ? { file } : { path: path.trim() };
        transfer.begin((content === 'files' ? startImport(source, reference.trim()) : startLoad(source)).id);
      })}
      onClose={onClose}
    >
      <FileChooser file={file} onFile={setFile} />
      {file ? null : (
        <Field
          label={t('archive.path')}
          hint={t('archive.orPathHint')}
          placeholder="/home/me/image.tar"
          error={errors.path?.message}
          {...form.register('path', {
            validate: (value) => value.trim().startsWith('/') || t(value.trim() === '' ? 'archive.fileNeeded' : 'archive.pathAbsolute'),
          })}
        />
      )}
      <fieldset className="radios">
        <legend className="visually-hidden">{t('archive.content')}</legend>
        <RadioField value="images" label={t('archive.images')} hint={t('archive.imagesHint')} {...form.register('content')} />
        <RadioField value="files" label={t('archive.files')} hint={t('archive.filesHint')} {...form.register('content')} />
      </fieldset>
      {imports ? (
        <Field
          label={t('common.optional', { what: t('archive.importName') })}
          hint={t('archive.importNameHint')}
          error={errors.reference?.message}
          {...form.register('reference', { validate: (value) => !/\s/.test(value.trim()) || t('pull.referenceSpace') })}
        />
      ) : null}
    </TransferForm>
  );
}
