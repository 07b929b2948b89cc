import { FileDown, FileUp } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, RadioField, SelectField } from '../../ui/field.tsx';
import { type SaveRequest, startImport, startLoad, startSave } from './queries.ts';
import { TransferDialog } from '../../transfer/transfer-dialog.tsx';

interface ArchiveForm {
  readonly path: string;
  readonly format: SaveRequest['format'];
  /** Of a file that is read: images, or files that become one. */
  readonly content: 'images' | 'files';
  readonly reference: string;
}

interface ArchiveDialogProps {
  /** What is saved, by name or id; without it a file is loaded. */
  readonly images?: readonly string[];
  /** Of one image: its further names, which go with it where the format has several. */
  readonly names?: readonly string[];
  readonly onClose: () => void;
}

/** To or from a file of this machine, which the engine reads and writes itself: nothing goes through the window, whatever its size. */
export function ArchiveDialog({ images, names = [], onClose }: ArchiveDialogProps) {
  const { t } = useText();
  const [activityId, setActivityId] = useState<number>();
  const form = useForm<ArchiveForm>({ defaultValues: { path: '', format: 'docker-archive', content: 'images', reference: '' } });
  const saves = images !== undefined;
  const imports = !saves && form.watch('content') === 'files';
  const submit = form.handleSubmit(({ path, format, content, reference }) => {
    const where = path.trim();
    setActivityId(
      (images
        ? startSave({ images: [...images], names: format === 'docker-archive' ? [...names] : [], path: where, format })
        : content === 'files'
          ? startImport({ path: where, reference: reference.trim() })
          : startLoad(where)
      ).id,
    );
  });
  if (activityId !== undefined)
    return (
      <TransferDialog
        activityId={activityId}
        onClose={onClose}
        onAgain={() => {
          setActivityId(undefined);
        }}
      />
    );
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={saves ? t('archive.saveTitle', { count: images.length }) : t('archive.loadTitle')}
      description={saves ? t('archive.saveIntro') : t('archive.loadIntro')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={saves ? FileDown : FileUp} type="submit" form="archive-form">
            {t(saves ? 'archive.save' : imports ? 'archive.import' : 'archive.load')}
          </Button>
        </>
      }
    >
      <form id="archive-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('archive.path')}
          hint={t('archive.pathHint')}
          placeholder="/home/me/image.tar"
          error={form.formState.errors.path?.message}
          {...form.register('path', { validate: (value) => value.trim().startsWith('/') || t('archive.pathAbsolute') })}
        />
        {saves ? (
          <SelectField
            label={t('push.format')}
            options={[
              { value: 'docker-archive', label: t('archive.docker') },
              // Several images in one file only Docker's format has.
              ...(images.length === 1 ? [{ value: 'oci-archive', label: t('archive.oci') }] : []),
            ]}
            {...form.register('format')}
          />
        ) : (
          <>
            <fieldset className="radios">
              <legend className="visually-hidden">{t('archive.content')}</legend>
              <RadioField value="images" label={t('archive.images')} hint={t('archive.imagesHint')} {...form.register('content')} />
              <RadioField value="files" label={t('archive.files')} hint={t('archive.filesHint')} {...form.register('content')} />
            </fieldset>
            {imports ? (
              <Field
                label={t('common.optional', { what: t('archive.importName') })}
                hint={t('archive.importNameHint')}
                error={form.formState.errors.reference?.message}
                {...form.register('reference', { validate: (value) => !/\s/.test(value.trim()) || t('pull.referenceSpace') })}
              />
            ) : null}
          </>
        )}
      </form>
    </Dialog>
  );
}
