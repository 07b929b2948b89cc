import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { type EngineError, isEngineError } from '../../../src-main/base/errors.ts';
import type { TrashItem } from '../../../src-main/contract/trash.ts';
import { toEngineError } from '../../client/notices.ts';
import { useContainers } from '../../client/objects.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Field } from '../../ui/field.tsx';
import { restoreItem } from './queries.ts';
import { isObjectName, nameOfItem, nameProposal } from './trash-words.ts';

/** Its name is that of something else meanwhile: nothing is overwritten, it gets another. */
export function RestoreDialog({ item, onClose }: { readonly item: TrashItem; readonly onClose: () => void }) {
  const { t } = useText();
  const name = nameOfItem(item);
  const { byId } = useContainers().value;
  const [failure, setFailure] = useState<EngineError>();
  const form = useForm<{ readonly name: string }>({
    defaultValues: { name: nameProposal(name, new Set([...byId.values()].map((container) => container.name))) },
  });
  const submit = form.handleSubmit(async (values) => {
    setFailure(undefined);
    try {
      await restoreItem(item, values.name.trim());
      onClose();
    } catch (error) {
      if (isEngineError(error, 'already-exists')) form.setError('name', { message: t('trash.nameTaken') });
      else setFailure(toEngineError(error));
    }
  });
  const { errors, isSubmitting } = form.formState;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('trash.restoreTitle', { name })}
      description={t(`trash.restoreIntro.${item.kind === 'volume' ? 'volume' : 'container'}`, { name })}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={Undo2} type="submit" form="restore-form" disabled={isSubmitting}>
            {t('trash.bringBack')}
          </Button>
        </>
      }
    >
      <form id="restore-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('trash.newName')}
          error={errors.name?.message}
          {...form.register('name', { validate: (value) => isObjectName(value.trim()) || t('run.nameForm') })}
        />
        {failure ? <ErrorBox title={t('trash.restoreFailed', { name })} error={failure} /> : null}
      </form>
    </Dialog>
  );
}
