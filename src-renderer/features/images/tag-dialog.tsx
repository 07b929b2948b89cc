import { Tag } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import type { EngineError } from '../../../src-main/base/errors.ts';
import type { ImageSummary } from '../../../src-main/contract/image.ts';
import { toEngineError } from '../../client/notices.ts';
import { useImages } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Field } from '../../ui/field.tsx';
import { tagImage } from './queries.ts';

/** Another name for an image. A name that another image has moves to this one: it is said before. */
export function TagDialog({ image, onClose }: { readonly image: Pick<ImageSummary, 'id'>; readonly onClose: () => void }) {
  const { t } = useText();
  const images = useImages().value;
  const [failure, setFailure] = useState<EngineError>();
  const form = useForm<{ readonly name: string }>({ defaultValues: { name: '' } });
  const name = form.watch('name').trim();
  const holder = images.find(
    ({ id, names }) => id !== image.id && names.some((one) => one === name || one === `docker.io/library/${name}`),
  );
  const submit = form.handleSubmit(async () => {
    setFailure(undefined);
    try {
      await tagImage(image.id, name);
      onClose();
    } catch (error) {
      setFailure(toEngineError(error));
    }
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('image.tagTitle')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={Tag} type="submit" form="tag-form">
            {t('image.tagConfirm')}
          </Button>
        </>
      }
    >
      <form id="tag-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('common.name')}
          hint={t('image.tagHint')}
          error={form.formState.errors.name?.message}
          {...form.register('name', {
            validate: (value) =>
              value.trim() === '' ? t('pull.referenceNeeded') : /\s/.test(value.trim()) ? t('pull.referenceSpace') : true,
          })}
        />
        {holder ? <p className="warning-text">{t('image.tagMoves', { id: holder.id.slice(0, 12) })}</p> : null}
        {failure ? <ErrorBox title={t('image.tagFailed')} error={failure} /> : null}
      </form>
    </Dialog>
  );
}
