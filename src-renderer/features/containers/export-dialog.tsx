import { FileDown } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { TransferDialog } from '../../transfer/transfer-dialog.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { startExport } from './queries.ts';

/** All its files into one of this machine, which the engine writes itself: nothing goes through the window. */
export function ExportDialog({ container, onClose }: { readonly container: ContainerSummary; readonly onClose: () => void }) {
  const { t } = useText();
  const [activityId, setActivityId] = useState<number>();
  const form = useForm<{ readonly path: string }>({ defaultValues: { path: '' } });
  const submit = form.handleSubmit(({ path }) => {
    setActivityId(startExport(container, path.trim()).id);
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
      title={t('export.title', { name: container.name })}
      description={t('export.intro')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={FileDown} type="submit" form="export-form">
            {t('export.start')}
          </Button>
        </>
      }
    >
      <form id="export-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('archive.path')}
          hint={t('export.pathHint', { name: container.name })}
          placeholder={`/home/me/${container.name}.tar`}
          error={form.formState.errors.path?.message}
          {...form.register('path', { validate: (value) => value.trim().startsWith('/') || t('archive.pathAbsolute') })}
        />
      </form>
    </Dialog>
  );
}
